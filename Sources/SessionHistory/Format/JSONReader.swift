import PipelineEngine

/// Reads the JSON text that `JSONWriter` writes, keeping the order of the fields, as `JSONDecoder` does not.
///
/// Refuses what is no JSON and what nests deeper than 512 levels; never traps, whoever wrote the text.
struct JSONReader {
    static let markers: Set<String> = ["$base64", "$number", "$object"]
    static let maxDepth = 512

    struct Failure: Error, CustomStringConvertible {
        var offset: Int
        var reason: String

        var description: String { "no JSON: \(reason) at byte \(offset)" }
    }

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The fields of a JSON object.
    static func fields(_ bytes: UnsafeRawBufferPointer) throws -> FrameFields {
        var reader = JSONReader(bytes)
        reader.skipSpace()
        guard reader.peek == UInt8(ascii: "{") else { throw reader.failure("an object was expected") }
        let fields = try reader.object(depth: 1)
        reader.skipSpace()
        guard reader.position == bytes.count else { throw reader.failure("there is text after the object") }
        return fields
    }

    /// The values of a JSON array.
    static func array(_ bytes: UnsafeRawBufferPointer) throws -> [FieldValue] {
        var reader = JSONReader(bytes)
        reader.skipSpace()
        guard reader.peek == UInt8(ascii: "["), case .array(let values) = try reader.array(depth: 1) else {
            throw reader.failure("an array was expected")
        }
        return values
    }

    static func fields(_ text: String) throws -> FrameFields {
        var text = text
        return try text.withUTF8 { try fields(UnsafeRawBufferPointer($0)) }
    }

    private func failure(_ reason: String) -> Failure { Failure(offset: position, reason: reason) }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func expect(_ byte: UInt8) throws {
        skipSpace()
        guard peek == byte else { throw failure("'\(Character(UnicodeScalar(byte)))' was expected") }
        position += 1
    }

    private mutating func object(depth: Int) throws -> FrameFields {
        guard depth <= Self.maxDepth else { throw failure("nested deeper than \(Self.maxDepth) levels") }
        try expect(UInt8(ascii: "{"))
        var fields = FrameFields()
        var names = Set<String>()
        skipSpace()
        if peek == UInt8(ascii: "}") {
            position += 1
            return fields
        }
        while true {
            skipSpace()
            let name = try string()
            try expect(UInt8(ascii: ":"))
            let value = try value(depth: depth)
            if names.insert(name).inserted { fields.append(name, value) } else { fields[name] = value }
            skipSpace()
            if peek == UInt8(ascii: ",") {
                position += 1
                continue
            }
            try expect(UInt8(ascii: "}"))
            return fields
        }
    }

    private mutating func value(depth: Int) throws -> FieldValue {
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"): return try unmark(object(depth: depth + 1))
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func array(depth: Int) throws -> FieldValue {
        guard depth <= Self.maxDepth else { throw failure("nested deeper than \(Self.maxDepth) levels") }
        position += 1
        var values: [FieldValue] = []
        skipSpace()
        if peek == UInt8(ascii: "]") {
            position += 1
            return .array(values)
        }
        while true {
            values.append(try value(depth: depth))
            skipSpace()
            if peek == UInt8(ascii: ",") {
                position += 1
                continue
            }
            try expect(UInt8(ascii: "]"))
            return .array(values)
        }
    }

    /// Turns the marked objects of `JSONWriter` back into what they stand for.
    private func unmark(_ fields: FrameFields) throws -> FieldValue {
        guard fields.all.count == 1, Self.markers.contains(fields.all[0].name) else { return .object(fields) }
        switch (fields.all[0].name, fields.all[0].value) {
        case ("$base64", .string(let text)):
            guard let bytes = Base64.decode(text) else { throw failure("that is no base64") }
            return .bytes(bytes)
        case ("$number", .string(let text)):
            guard let number = Double(text) else { throw failure("that is no number") }
            return .number(number)
        case ("$object", .array(let pair)):
            guard pair.count == 2, case .string(let name) = pair[0] else { throw failure("that is no field") }
            return .object([name: pair[1]])
        default: return .object(fields)
        }
    }

    private mutating func word(_ word: StaticString, _ value: FieldValue) throws -> FieldValue {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count, (position..<end).allSatisfy({ bytes[$0] == word.utf8Start[$0 - position] }) else {
            throw failure("'\(word)' was expected")
        }
        position = end
        return value
    }

    private mutating func number() throws -> FieldValue {
        let start = position
        var isInteger = true
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"): break
            case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): isInteger = false
            default:
                return try number(start, isInteger: isInteger)
            }
            position += 1
        }
        return try number(start, isInteger: isInteger)
    }

    private func number(_ start: Int, isInteger: Bool) throws -> FieldValue {
        let text = String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
        if isInteger, let integer = Int64(text) { return .integer(integer) }
        guard let number = Double(text) else { throw failure("a value was expected") }
        return .number(number)
    }

    private mutating func string() throws -> String {
        try expect(UInt8(ascii: "\""))
        let start = position
        while let byte = peek, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { position += 1 }
        if peek == UInt8(ascii: "\"") {
            defer { position += 1 }
            return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
        }
        var utf8 = Array(bytes[start..<position])
        while let byte = peek {
            position += 1
            if byte == UInt8(ascii: "\"") { return String(decoding: utf8, as: UTF8.self) }
            if byte == UInt8(ascii: "\\") { try escape(into: &utf8) } else { utf8.append(byte) }
        }
        throw failure("a string does not end")
    }

    private mutating func escape(into utf8: inout [UInt8]) throws {
        guard let byte = peek else { throw failure("a string does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "n"): utf8.append(0x0A)
        case UInt8(ascii: "r"): utf8.append(0x0D)
        case UInt8(ascii: "t"): utf8.append(0x09)
        case UInt8(ascii: "b"): utf8.append(0x08)
        case UInt8(ascii: "f"): utf8.append(0x0C)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): utf8.append(byte)
        case UInt8(ascii: "u"):
            var code = try hex()
            if (0xD800..<0xDC00).contains(code), peek == UInt8(ascii: "\\") {
                position += 1
                try expect(UInt8(ascii: "u"))
                let low = try hex()
                guard (0xDC00..<0xE000).contains(low) else { throw failure("half of a surrogate pair") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = UnicodeScalar(code) else { throw failure("half of a surrogate pair") }
            utf8.append(contentsOf: String(Character(scalar)).utf8)
        default: throw failure("an unknown escape")
        }
    }

    private mutating func hex() throws -> UInt32 {
        guard position + 4 <= bytes.count else { throw failure("four hexadecimal digits were expected") }
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(UnicodeScalar(bytes[position])).hexDigitValue else {
                throw failure("four hexadecimal digits were expected")
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }
}
