import PipelineEngine

/// The keys of one line, each asked for once; what nobody asked for is an error, so that a misspelt key is not lost.
struct LineObject {
    private let members: [JSONReader.Member]
    private var asked: Set<String> = []

    init(_ members: [JSONReader.Member]) { self.members = members }

    /// The object in a member's value. Its own members have no offsets of their own.
    init(_ fields: FrameFields, at offset: Int) {
        members = fields.all.map {
            JSONReader.Member(name: $0.name, nameOffset: offset, value: $0.value, valueOffset: offset)
        }
    }

    func has(_ name: String) -> Bool { members.contains { $0.name == name } }

    /// The member of this name; nil where it is absent or null.
    mutating func member(_ name: String) -> JSONReader.Member? {
        asked.insert(name)
        return members.first { $0.name == name && $0.value != .null }
    }

    mutating func string(_ name: String) throws(JSONProblem) -> String? {
        guard let member = member(name) else { return nil }
        guard case .string(let value) = member.value else { throw wrong(member, "a string") }
        return value
    }

    /// A moment in ISO 8601, UTC, as `2026-01-31T08:00:00.000Z`, with or without the fraction.
    mutating func instant(_ name: String) throws(JSONProblem) -> String? {
        guard let member = member(name) else { return nil }
        guard case .string(let value) = member.value, Self.isInstant(value) else {
            throw wrong(member, "a moment in UTC such as 2026-01-31T08:00:00.000Z")
        }
        return value
    }

    private static func isInstant(_ text: String) -> Bool {
        let pattern = "0000-00-00T00:00:00"
        let (start, rest) = (text.utf8.prefix(pattern.utf8.count), text.utf8.dropFirst(pattern.utf8.count))
        func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        guard start.count == pattern.utf8.count, rest.last == UInt8(ascii: "Z"),
            zip(start, pattern.utf8).allSatisfy({ $1 == UInt8(ascii: "0") ? isDigit($0) : $0 == $1 })
        else { return false }
        let fraction = rest.dropLast()
        return fraction.isEmpty
            || fraction.first == UInt8(ascii: ".") && fraction.count > 1 && fraction.dropFirst().allSatisfy(isDigit)
    }

    mutating func flag(_ name: String) throws(JSONProblem) -> Bool? {
        guard let member = member(name) else { return nil }
        guard case .bool(let value) = member.value else { throw wrong(member, "true or false") }
        return value
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int64>) throws(JSONProblem) -> Int64? {
        guard let member = member(name) else { return nil }
        guard case .integer(let value) = member.value, range.contains(value) else {
            throw wrong(
                member,
                "an integer from \(range.lowerBound)\(range.upperBound == .max ? "" : " to \(range.upperBound)")")
        }
        return value
    }

    mutating func small(_ name: String) throws(JSONProblem) -> Int? {
        try integer(name, in: 0...Int64(Int32.max)).map { Int($0) }
    }

    mutating func word<Word: RawRepresentable<String> & CaseIterable>(_ name: String) throws(JSONProblem) -> Word? {
        guard let member = member(name) else { return nil }
        guard case .string(let text) = member.value, let word = Word(rawValue: text) else {
            throw wrong(member, Word.allCases.map(\.rawValue).joined(separator: " or "))
        }
        return word
    }

    mutating func object(_ name: String) throws(JSONProblem) -> (fields: FrameFields, offset: Int)? {
        guard let member = member(name) else { return nil }
        guard case .object(let fields) = member.value else { throw wrong(member, "an object") }
        return (fields, member.valueOffset)
    }

    /// The objects of a list.
    mutating func objects(_ name: String) throws(JSONProblem) -> [LineObject]? {
        guard let member = member(name) else { return nil }
        guard case .array(let values) = member.value else { throw wrong(member, "a list of objects") }
        var objects: [LineObject] = []
        for value in values {
            guard case .object(let fields) = value else { throw wrong(member, "a list of objects") }
            objects.append(LineObject(fields, at: member.valueOffset))
        }
        return objects
    }

    func require<Value>(_ value: Value?, _ name: String) throws(JSONProblem) -> Value {
        guard let value else { throw JSONProblem(0, "'\(name)' is missing") }
        return value
    }

    /// Throws for a key that nobody asked for.
    func expectNoOthers() throws(JSONProblem) {
        for member in members where !asked.contains(member.name) {
            throw JSONProblem(member.nameOffset, "the key \(quoted(member.name)) is not known here")
        }
    }

    func wrong(_ member: JSONReader.Member, _ expected: String) -> JSONProblem {
        JSONProblem(member.valueOffset, "'\(member.name)' has to be \(expected)")
    }
}
