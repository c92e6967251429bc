import PipelineEngine

/// Reads JSON (RFC 8259) into `FieldValue`, in one pass over the bytes.
///
/// Stricter than most readers, because what it drops nobody would miss until it matters: integers are exact or an error,
/// a key that comes twice is an error, invalid UTF-8 is never repaired. Keys keep their order, NUL in text is kept, and
/// `{"$base64": "…"}` is bytes.
struct JSONReader {
    /// How deep arrays and objects may nest.
    static let defaultDepth = 128

    let bytes: UnsafeBufferPointer<UInt8>
    var position = 0
    private var depthLeft: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>, maxDepth: Int = defaultDepth) {
        self.bytes = bytes
        depthLeft = maxDepth
    }

    /// One key of an object with its value, and the offsets at which they begin.
    struct Member {
        var name: String
        var nameOffset: Int
        var value: FieldValue
        var valueOffset: Int
    }

    /// The members of the one object that the bytes consist of.
    mutating func wholeObject() throws(JSONProblem) -> [Member] {
        skipSpace()
        guard let first = peek() else { throw JSONProblem(position, "there is no JSON here") }
        guard first == UInt8(ascii: "{") else {
            // Broken text is said to be broken; only what is whole JSON is said to be no object.
            let start = position
            _ = try value()
            try expectEnd()
            throw JSONProblem(start, "this is JSON but no object", remedy: #"write {"type": …}"#)
        }
        let members = try members()
        try expectEnd()
        return members
    }

    /// The one value that the bytes consist of.
    mutating func wholeValue() throws(JSONProblem) -> FieldValue {
        skipSpace()
        let value = try value()
        try expectEnd()
        return value
    }

    private mutating func expectEnd() throws(JSONProblem) {
        skipSpace()
        if position < bytes.count {
            throw JSONProblem(
                position, "there is something behind the end of the JSON", remedy: "put one object on a line")
        }
    }

    // MARK: values

    private mutating func value() throws(JSONProblem) -> FieldValue {
        guard let byte = peek() else { throw JSONProblem(position, "the JSON ends where a value is due") }
        switch byte {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"): return try objectOrBytes()
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw JSONProblem(position, "a value is due here")
        }
    }

    private mutating func word(_ word: StaticString, _ value: FieldValue) throws(JSONProblem) -> FieldValue {
        guard position + word.utf8CodeUnitCount <= bytes.count else {
            throw JSONProblem(position, "a value is due here")
        }
        for index in 0..<word.utf8CodeUnitCount where bytes[position + index] != word.utf8Start[index] {
            throw JSONProblem(position, "a value is due here")
        }
        position += word.utf8CodeUnitCount
        return value
    }

    private mutating func array() throws(JSONProblem) -> [FieldValue] {
        try enter()
        defer { depthLeft += 1 }
        var values: [FieldValue] = []
        skipSpace()
        if skip(UInt8(ascii: "]")) { return values }
        while true {
            skipSpace()
            values.append(try value())
            skipSpace()
            if skip(UInt8(ascii: "]")) { return values }
            guard skip(UInt8(ascii: ",")) else { throw JSONProblem(position, "',' or ']' is due here") }
        }
    }

    private mutating func objectOrBytes() throws(JSONProblem) -> FieldValue {
        let members = try members()
        if members.count == 1, let member = members.first, let name = Base64Key(member.name) {
            if let name = name.unescaped { return .object([name: member.value]) }
            guard case .string(let text) = member.value else {
                throw JSONProblem(member.valueOffset, "$base64 has to be a string")
            }
            do { return .bytes(try decodeBase64(text)) } catch {
                throw JSONProblem(member.valueOffset, "this is not base64: \(error.reason)")
            }
        }
        var fields = FrameFields()
        for member in members { fields.append(member.name, member.value) }
        return .object(fields)
    }

    private mutating func members() throws(JSONProblem) -> [Member] {
        try enter()
        defer { depthLeft += 1 }
        var members: [Member] = []
        var names: Set<String> = []
        skipSpace()
        if skip(UInt8(ascii: "}")) { return members }
        while true {
            skipSpace()
            let nameOffset = position
            guard peek() == UInt8(ascii: "\"") else {
                throw JSONProblem(position, "a key in double quotes is due here")
            }
            let name = try string()
            // A set pays off only for large objects; frames have a handful of keys.
            let isRepeated =
                members.count < 16 ? members.contains { $0.name == name } : names.contains(name)
            if isRepeated { throw JSONProblem(nameOffset, "the key \(quoted(name)) comes twice", remedy: "remove one") }
            skipSpace()
            guard skip(UInt8(ascii: ":")) else { throw JSONProblem(position, "':' is due here") }
            skipSpace()
            let valueOffset = position
            members.append(Member(name: name, nameOffset: nameOffset, value: try value(), valueOffset: valueOffset))
            if members.count == 16 {
                names = Set(members.map(\.name))
            } else if members.count > 16 {
                names.insert(name)
            }
            skipSpace()
            if skip(UInt8(ascii: "}")) { return members }
            guard skip(UInt8(ascii: ",")) else { throw JSONProblem(position, "',' or '}' is due here") }
        }
    }

    private mutating func enter() throws(JSONProblem) {
        guard depthLeft > 0 else {
            throw JSONProblem(position, "the JSON nests too deeply", remedy: "use fewer levels")
        }
        position += 1
        depthLeft -= 1
    }

    // MARK: numbers

    private mutating func number() throws(JSONProblem) -> FieldValue {
        let start = position
        _ = skip(UInt8(ascii: "-"))
        if skip(UInt8(ascii: "0")) {
            if let digit = peek(), isDigit(digit) { throw JSONProblem(start, "a number may not begin with 0") }
        } else {
            try digits()
        }
        var isInteger = true
        if skip(UInt8(ascii: ".")) {
            isInteger = false
            try digits()
        }
        if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
            isInteger = false
            if !skip(UInt8(ascii: "+")) { _ = skip(UInt8(ascii: "-")) }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger {
            guard let integer = Int64(text) else {
                throw JSONProblem(start, "this integer does not fit 64 bits", remedy: "write it as a string")
            }
            return .integer(integer)
        }
        guard let number = Double(text), number.isFinite else {
            throw JSONProblem(start, "this number is too large", remedy: "write it as a string")
        }
        return .number(number)
    }

    private mutating func digits() throws(JSONProblem) {
        let start = position
        while let byte = peek(), isDigit(byte) { position += 1 }
        if position == start { throw JSONProblem(position, "a digit is due here") }
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    // MARK: bytes

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skip(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }
}
