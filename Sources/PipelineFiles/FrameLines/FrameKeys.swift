import PipelineEngine

/// The keys of a line that are not fields of the frame.
struct FrameKeys {
    var type: String?
    var frameClass: FrameClass?
    var isInterruptible: Bool?
    var time: Int64?
    var direction: FrameDirection?
    var id: Int64?
    var pts: Int64?
    var metadata = FrameFields()
    /// Fields whose names are keys of the line: they stand in an object of their own.
    var escapedFields: [JSONReader.Member] = []

    // What `--output` adds.
    var frameID: Int64?
    var frameName: String?
    var stage: Int64?
    var batch: Int64?
    var position: Int64?
    var branch: Int64?

    /// The key for `escapedFields`.
    static let fieldsKey = "$fields"

    /// The names that a field can have only inside of `$fields`.
    static let reserved: Set<String> = [
        "type", "class", "interruptible", "at_ms", "direction", "id", "pts", "metadata", "frame_id", "frame_name",
        "stage", "batch", "position", "branch", fieldsKey,
    ]

    var released: ReleasedPlace? {
        frameID.map {
            ReleasedPlace(
                frameID: $0,
                place: FramePlace(
                    stage: stage.map { Int($0) }, batch: batch, position: position.map { Int($0) },
                    branch: branch.map { Int($0) }, time: time ?? 0, direction: direction ?? .downstream))
        }
    }

    /// Whether a line is one of `--output`: it has all of the keys which that adds, each an integer or null. In any
    /// other line these names are fields like others.
    static func areReleased(_ members: [JSONReader.Member]) -> Bool {
        let added = members.count { member in
            switch (member.name, member.value) {
            case ("frame_id", .integer(1...)): true
            case ("stage", .integer(0...)), ("batch", .integer(1...)), ("position", .integer(0...)),
                ("branch", .integer(0...)), ("stage", .null), ("batch", .null), ("position", .null), ("branch", .null):
                true
            default: false
            }
        }
        return added == 5
    }

    /// Takes the member in if it is one of these keys; false if it is a field of the frame. Null in any of them says
    /// what its absence says.
    mutating func take(_ member: JSONReader.Member, isReleased: Bool) throws(JSONProblem) -> Bool {
        if isReleased, takeReleased(member) { return true }
        let value = member.value == .null ? nil : member.value
        switch member.name {
        case "type":
            guard case .string(let name) = member.value else { throw wrong(member, "a string, TextFrame for example") }
            type = name
        case "class": frameClass = try value.map { value throws(JSONProblem) in try word(value, member) }
        case "direction": direction = try value.map { value throws(JSONProblem) in try word(value, member) }
        case "interruptible":
            guard let value else { return true }
            guard case .bool(let isInterruptible) = value else { throw wrong(member, "true or false") }
            self.isInterruptible = isInterruptible
        case "at_ms": time = try value.map { value throws(JSONProblem) in try nanoseconds(value, member) }
        case "id":
            guard let value else { return true }
            guard case .integer(let id) = value, id > 0 else { throw wrong(member, "a positive integer") }
            self.id = id
        case "pts":
            guard let value else { return true }
            guard case .integer(let pts) = value else { throw wrong(member, "an integer, in ns") }
            self.pts = pts
        case "metadata":
            guard let value else { return true }
            guard case .object(let metadata) = value else { throw wrong(member, "an object") }
            self.metadata = metadata
        case FrameKeys.fieldsKey:
            guard case .object(let fields) = member.value else { throw wrong(member, "an object") }
            escapedFields = fields.all.map {
                JSONReader.Member(
                    name: $0.name, nameOffset: member.nameOffset, value: $0.value, valueOffset: member.valueOffset)
            }
        default: return false
        }
        return true
    }

    private mutating func takeReleased(_ member: JSONReader.Member) -> Bool {
        let integer: Int64? = if case .integer(let value) = member.value { value } else { nil }
        switch member.name {
        case "frame_id": frameID = integer
        case "stage": stage = integer
        case "batch": batch = integer
        case "position": position = integer
        case "branch": branch = integer
        case "frame_name":
            guard case .string(let name) = member.value else { return false }
            frameName = name
        default: return false
        }
        return true
    }

    private func word<Word: RawRepresentable<String> & CaseIterable>(
        _ value: FieldValue, _ member: JSONReader.Member
    ) throws(JSONProblem) -> Word {
        guard case .string(let text) = value, let word = Word(rawValue: text) else {
            throw wrong(member, Word.allCases.map(\.rawValue).joined(separator: " or "))
        }
        return word
    }

    private func nanoseconds(_ value: FieldValue, _ member: JSONReader.Member) throws(JSONProblem) -> Int64 {
        let nanoseconds: Int64? =
            switch value {
            case .integer(let ms): FrameKeys.nanoseconds(milliseconds: ms)
            case .number(let ms): FrameKeys.nanoseconds(milliseconds: ms)
            default: nil
            }
        guard let nanoseconds else { throw wrong(member, "a number of ms from the session's start, not below 0") }
        return nanoseconds
    }

    /// nil for what is negative, not finite, or over 292 years.
    static func nanoseconds(milliseconds: Int64) -> Int64? {
        let (nanoseconds, isTooLarge) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        return milliseconds >= 0 && !isTooLarge ? nanoseconds : nil
    }

    /// nil for what is negative, not finite, or over 292 years.
    static func nanoseconds(milliseconds: Double) -> Int64? {
        guard milliseconds >= 0, milliseconds < 9.2e12 else { return nil }
        return Int64((milliseconds * 1_000_000).rounded())
    }

    private func wrong(_ member: JSONReader.Member, _ expected: String) -> JSONProblem {
        JSONProblem(member.valueOffset, "'\(member.name)' has to be \(expected)")
    }
}
