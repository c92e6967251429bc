internal import PipelineEngine
internal import PipelineFiles

/// What a command found out, as JSON: the same names as the history's views have.
struct Facts: Sendable {
    private var fields = FrameFields()

    init() {}

    var json: FieldValue { .object(fields) }

    /// As text on one line.
    var text: String { String(decoding: JSONText.bytes(json), as: UTF8.self) }

    /// Adds a fact; nil is written as null, so that every object of a kind has the same keys.
    mutating func set(_ name: String, _ value: String?) { add(name, value.map(FieldValue.string)) }
    mutating func set(_ name: String, _ value: Int64?) { add(name, value.map(FieldValue.integer)) }
    mutating func set(_ name: String, _ value: Int?) { add(name, value.map { .integer(Int64($0)) }) }
    mutating func set(_ name: String, _ value: Double?) { add(name, value.map(FieldValue.number)) }
    mutating func set(_ name: String, _ value: Bool?) { add(name, value.map(FieldValue.bool)) }
    mutating func set(_ name: String, _ value: [Facts]) { add(name, .array(value.map(\.json))) }
    mutating func set(_ name: String, _ value: [String]) { add(name, .array(value.map(FieldValue.string))) }
    mutating func set(_ name: String, _ value: Facts?) { add(name, value?.json) }

    private mutating func add(_ name: String, _ value: FieldValue?) { fields.append(name, value ?? .null) }
}

extension Terminal {
    /// Prints a document, or one line of many.
    func print(_ facts: Facts) throws(OutputStream.Failure) { try print(json: facts.json) }

    func print(_ facts: [Facts]) throws(OutputStream.Failure) { try print(json: .array(facts.map(\.json))) }

    private func print(json: FieldValue) throws(OutputStream.Failure) {
        try output.write(JSONText.bytes(json))
        try output.write("\n")
    }
}
