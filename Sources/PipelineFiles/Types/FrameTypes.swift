public import PipelineEngine

/// The frame types that files of a session may name: the catalogue's, and those that the files declare themselves.
public struct FrameTypes: Sendable, Hashable {
    private var own: [String: FrameType] = [:]
    /// How many types of their own files may have: what is known of a type is kept for ever.
    static let limit = 10_000

    public init() {}

    /// The type of this name, nil if it is neither in the catalogue nor declared.
    public func type(named name: String) -> FrameType? { FrameType.known(name) ?? own[name] }

    /// All names that `type(named:)` knows.
    var names: some Sequence<String> { Array(FrameType.catalogue.keys) + own.keys }

    /// Adds a type of the files' own.
    mutating func add(_ type: FrameType) { own[type.name] = type }

    /// The type that a frame names together with its `class` and `interruptible`: a known one that these do not
    /// contradict, or one of its own, which this declares for all frames to come.
    mutating func resolve(
        _ name: String, frameClass: FrameClass?, isInterruptible: Bool?
    ) throws(FrameTypeProblem) -> FrameType {
        if let type = type(named: name) {
            if let frameClass, frameClass != type.frameClass {
                throw FrameTypeProblem(
                    key: "class",
                    problem: "\(name) is of class \(type.frameClass.rawValue), not \(frameClass.rawValue)",
                    remedy: "leave 'class' out or use a type name of your own")
            }
            if let isInterruptible, isInterruptible != type.isInterruptible {
                throw FrameTypeProblem(
                    key: "interruptible", problem: "\(name) is \(type.isInterruptible ? "" : "not ")interruptible",
                    remedy: "leave 'interruptible' out or use a type name of your own")
            }
            return type
        }
        guard !name.isEmpty else {
            throw FrameTypeProblem(
                key: "type", problem: "the type has no name", remedy: "name one, TextFrame for example")
        }
        guard let frameClass else { throw unknown(name, remedy: "for a type of your own, add its 'class'") }
        guard own.count < FrameTypes.limit else {
            throw FrameTypeProblem(
                key: "type", problem: "there are more than \(FrameTypes.limit) frame types of their own",
                remedy: "put what differs into a field")
        }
        let type = FrameType(
            name, base: FrameTypes.base(of: frameClass), frameClass: frameClass, isInterruptible: isInterruptible)
        add(type)
        return type
    }

    /// The type of a known name.
    func find(_ name: String) throws(FrameTypeProblem) -> FrameType {
        guard let type = type(named: name) else {
            throw unknown(name, remedy: "declare types of your own under 'types'")
        }
        return type
    }

    private func unknown(_ name: String, remedy: String) -> FrameTypeProblem {
        let remedy = suggestion(for: name, among: names).map { "did you mean \($0)? Otherwise \(remedy)" } ?? remedy
        return FrameTypeProblem(key: "type", problem: "there is no frame type \(quoted(name))", remedy: remedy)
    }

    static func base(of frameClass: FrameClass) -> FrameType {
        switch frameClass {
        case .system: .systemFrame
        case .data: .dataFrame
        case .control: .controlFrame
        case .frame: .frame
        }
    }
}

/// Why a frame's type does not hold, and which of its keys says so.
struct FrameTypeProblem: Error {
    var key: String
    var problem: String
    var remedy: String
}
