import PipelineEngine
import Yams

/// The keys of one mapping in a pipeline file. Each is asked for by name and kind; what is wrong goes to the problem list,
/// and the asker goes on with a default.
struct YAMLOptions {
    let problems: ProblemList
    /// What the mapping is, for messages: `delay`.
    let owner: String
    let mark: Mark?
    private let entries: [(key: Node, value: Node)]
    private var known: [String] = []

    /// nil, and a problem, when `node` is no mapping.
    init?(_ node: Node, owner: String, mark: Mark? = nil, _ problems: ProblemList) {
        self.problems = problems
        self.owner = owner
        self.mark = mark ?? node.mark
        switch node {
        case .mapping(let mapping): entries = mapping.map { ($0.key, $0.value) }
        case _ where node.isNull: entries = []
        default:
            problems.add(
                node.mark, "\(owner) has to be a mapping, not \(node.kindName)", remedy: "write 'key: value' pairs")
            return nil
        }
    }

    /// The value of a key, if it is there; asking makes the key a known one.
    mutating func node(_ key: String) -> Node? {
        if !known.contains(key) { known.append(key) }
        return entries.first { $0.key.scalar?.string == key }?.value
    }

    /// The value of a key that has to be there.
    mutating func required(_ key: String, remedy: String) -> Node? {
        if let node = node(key) { return node }
        problems.add(mark, "\(owner) has no '\(key)'", remedy: remedy)
        return nil
    }

    mutating func string(_ key: String) -> String? {
        guard let node = node(key), !node.isNull else { return nil }
        guard let text = node.text else {
            wrong(node, key, "a string", remedy: node.scalar == nil ? nil : "put it in quotes")
            return nil
        }
        return text
    }

    mutating func bool(_ key: String, default fallback: Bool = false) -> Bool {
        guard let node = node(key), !node.isNull else { return fallback }
        guard let scalar = node.scalar, case .bool(let value) = YAMLScalar(scalar) else {
            wrong(node, key, "true or false")
            return fallback
        }
        return value
    }

    mutating func integer(_ key: String) -> Int64? {
        guard let node = node(key), !node.isNull else { return nil }
        guard let scalar = node.scalar, case .integer(let value) = YAMLScalar(scalar) else {
            wrong(node, key, "an integer")
            return nil
        }
        return value
    }

    /// A time given in ms, as ns.
    mutating func milliseconds(_ key: String, isPositive: Bool = false) -> Int64? {
        guard let node = node(key), !node.isNull else { return nil }
        let time: Int64? =
            switch node.scalar.map(YAMLScalar.init) {
            case .integer(let ms): FrameKeys.nanoseconds(milliseconds: ms)
            case .number(let ms): FrameKeys.nanoseconds(milliseconds: ms)
            default: nil
            }
        guard let time, !isPositive || time > 0 else {
            wrong(node, key, isPositive ? "a number of ms above 0" : "a number of ms, not below 0")
            return nil
        }
        return time
    }

    mutating func word<Word: RawRepresentable<String> & CaseIterable>(_ key: String, _ kind: String) -> Word? {
        guard let node = node(key), !node.isNull else { return nil }
        let allowed = Word.allCases.map(\.rawValue)
        guard let text = node.text, let word = Word(rawValue: text) else {
            problems.add(
                node.mark, "unknown \(kind) \(quoted(node.scalar?.string ?? node.kindName))",
                remedy: "use \(allowed.joined(separator: " or "))")
            return nil
        }
        return word
    }

    mutating func list(_ key: String, remedy: String) -> [Node]? {
        guard let node = required(key, remedy: remedy) else { return nil }
        if node.isNull { return [] }
        guard case .sequence(let nodes) = node else {
            wrong(node, key, "a list", remedy: remedy)
            return nil
        }
        return Array(nodes)
    }

    /// Every key that was not asked for, and each that is no plain word, is a problem.
    func finish() {
        for (key, _) in entries {
            guard let name = key.scalar?.string else {
                problems.add(key.mark, "a key of \(owner) has to be a word, not \(key.kindName)")
                continue
            }
            if known.contains(name) { continue }
            let allowed = known.isEmpty ? "it has no keys" : "it has \(known.joined(separator: ", "))"
            let remedy = suggestion(for: name, among: known).map { "did you mean '\($0)'?" } ?? allowed
            problems.add(key.mark, "\(owner) has no key \(quoted(name))", remedy: remedy)
        }
    }

    /// The keys that were not asked for, in their order.
    func rest() -> [(key: Node, value: Node)] {
        entries.filter { entry in !known.contains { $0 == entry.key.scalar?.string } }
    }

    private func wrong(_ node: Node, _ key: String, _ expected: String, remedy: String? = nil) {
        problems.add(node.mark, "'\(key)' of \(owner) has to be \(expected), not \(node.kindName)", remedy: remedy)
    }
}
