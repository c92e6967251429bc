import Yams

/// Turns the text of a pipeline file into one YAML node, within limits.
enum YAMLText {
    /// In bytes. A pipeline of a thousand branches takes a tenth of it.
    static let maxBytes = 1 << 20
    /// An alias may stand for aliases in turn; so many of them make a tree of at most some thousand times the text.
    static let maxAliases = 32
    /// How deep lists and mappings may nest.
    static let maxDepth = 64

    static func parse(_ bytes: [UInt8], file: String) throws(FileProblems) -> (text: String, root: Node) {
        func problem(_ line: Int? = nil, _ column: Int? = nil, _ problem: String, _ remedy: String?) -> FileProblems {
            FileProblems(FileProblem(file: file, line: line, column: column, problem: problem, remedy: remedy))
        }
        guard bytes.count <= maxBytes else {
            throw problem(
                nil, nil, "a pipeline file has at most \(maxBytes) bytes, this has more",
                "is it the right file?")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let line = invalidLine(of: bytes)
            throw problem(line, nil, "this is not UTF-8 text", "is it a pipeline file? If so, save it as UTF-8")
        }
        let aliases = aliasCount(in: text)
        guard aliases <= maxAliases else {
            throw problem(
                nil, nil, "a pipeline file has at most \(maxAliases) aliases (*name), this has \(aliases)",
                "write out what they stand for")
        }
        if let line = tooDeepLine(of: bytes) {
            throw problem(line, nil, "lists and mappings nest too deeply here", "use at most \(maxDepth) levels")
        }
        let root: Node?
        do { root = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot() } catch {
            throw FileProblems(describe(error, file: file))
        }
        guard let root else {
            throw problem(nil, nil, "the file is empty", "write 'pipeline:' and its processors below it")
        }
        return (text, root)
    }

    /// The parser's words as a problem of ours.
    private static func describe(_ error: any Error, file: String) -> FileProblem {
        var result = FileProblem(file: file, problem: "\(error)")
        switch error as? YamlError {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            result.line = mark.line
            result.column = mark.column
            let words = [context?.text, problem].compactMap(\.self).joined(separator: ", ")
            result.problem = "this is not YAML: \(words)"
            if problem.contains("another document") {
                result.problem = "a second document begins here"
                result.remedy = "put one pipeline into a file"
            }
        case .duplicatedKeysInMapping(let duplicates, let context):
            result.line = context.mark.line
            result.column = context.mark.column
            result.problem = "the key \(duplicates.map(quoted).joined(separator: ", ")) comes twice"
            result.remedy = "remove one"
        case .reader(let problem, let offset, _, let yaml):
            result.problem = "this is not YAML: \(problem)"
            if let offset {
                result.line = yaml.prefix(offset).count { $0.isNewline } + 1
            }
            result.remedy = "remove the control character"
        case .memory: result.problem = "this YAML nests too deeply"
        default: break
        }
        return result
    }

    /// How many aliases there are at most: stars where a value may begin, followed by a name.
    private static func aliasCount(in text: String) -> Int {
        var count = 0
        var previous: UInt8 = 0x0A
        var isAfterStar = false
        for byte in text.utf8 {
            if isAfterStar, byte > 0x20, byte != UInt8(ascii: "*") { count += 1 }
            isAfterStar =
                byte == UInt8(ascii: "*") && (previous <= 0x20 || [0x2C, 0x3A, 0x5B, 0x7B].contains(previous))
            previous = byte
        }
        return count
    }

    /// The first line that could nest deeper than allowed. The parser recurses once a level, and its own limit of
    /// a thousand levels is more than a small stack takes.
    private static func tooDeepLine(of bytes: [UInt8]) -> Int? {
        var flow = 0
        for (number, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            // Compact lists and keys (`- - - x`, `? ? x`) open a level each.
            var compact = 0
            var isAtStart = true
            for (index, byte) in zip(line.indices, line) {
                let isLast = index + 1 == line.endIndex
                switch byte {
                case UInt8(ascii: "["), UInt8(ascii: "{"): flow += 1
                case UInt8(ascii: "]"), UInt8(ascii: "}"): flow = max(0, flow - 1)
                case UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: ":"):
                    if isAtStart, isLast || line[index + 1] <= 0x20 { compact += 1 }
                case 0...0x20: break
                default: isAtStart = false
                }
            }
            let indent = line.prefix { $0 == 0x20 }.count
            if flow > maxDepth || compact > maxDepth || indent > maxDepth * 8 { return number + 1 }
        }
        return nil
    }

    private static func invalidLine(of bytes: [UInt8]) -> Int {
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var line = 1
        while case .valid(let scalar) = parser.parseScalar(from: &iterator) {
            if scalar.first == 0x0A { line += 1 }
        }
        return line
    }
}
