/// Something wrong with a file that a person wrote: what, where, and what to do about it.
public struct FileProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file as it was named by whoever asked for it.
    public var file: String
    /// From 1; nil when the problem has no place, a file that is missing for example.
    public var line: Int?
    /// From 1, in Unicode scalars; nil where only the line is known.
    public var column: Int?
    /// What is wrong.
    public var problem: String
    /// What to do about it.
    public var remedy: String?

    public init(file: String, line: Int? = nil, column: Int? = nil, problem: String, remedy: String? = nil) {
        self.file = file
        self.line = line
        self.column = column
        self.problem = problem
        self.remedy = remedy
    }

    /// `file:line:column: what is wrong; what to do`.
    public var description: String {
        var place = file
        if let line { place += ":\(line)" }
        if line != nil, let column { place += ":\(column)" }
        return "\(place): \(problem)\(remedy.map { "; \($0)" } ?? "")"
    }
}

/// All that was found wrong with a file, in the order of the lines. Never empty.
public struct FileProblems: Error, Sendable, Hashable, CustomStringConvertible {
    public let problems: [FileProblem]

    init(_ first: FileProblem, _ others: [FileProblem] = []) { problems = [first] + others }

    /// nil when there is none.
    init?(sorting problems: [FileProblem]) {
        if problems.isEmpty { return nil }
        self.problems = problems.enumerated().sorted {
            ($0.element.line ?? 0, $0.element.column ?? 0, $0.offset)
                < ($1.element.line ?? 0, $1.element.column ?? 0, $1.offset)
        }.map(\.element)
    }

    /// One problem a line.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
