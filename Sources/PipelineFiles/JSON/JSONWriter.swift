import PipelineEngine

/// Writes JSON into a byte buffer: what `JSONReader` reads back as the same value.
///
/// Numbers that JSON has no word for (infinite, not a number) are written as strings.
struct JSONWriter {
    var bytes: [UInt8] = []

    mutating func literal(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    mutating func write(_ value: FieldValue) {
        switch value {
        case .null: literal("null")
        case .bool(let value): value ? literal("true") : literal("false")
        case .integer(let value): write(value)
        case .number(let value):
            // Swift's own text of a Double reads back as the same Double and always has a '.' or an 'e' in it.
            value.isFinite ? bytes.append(contentsOf: "\(value)".utf8) : write("\(value)")
        case .string(let value): write(value)
        case .bytes(let value): writeBytes(value)
        case .array(let values):
            literal("[")
            for (index, value) in values.enumerated() {
                if index > 0 { literal(", ") }
                write(value)
            }
            literal("]")
        case .object(let fields): writeObject(fields)
        }
    }

    mutating func writeObject(_ fields: FrameFields) {
        let needsEscape = fields.all.count == 1 && fields.all.first.flatMap { Base64Key($0.name) } != nil
        literal("{")
        for (index, field) in fields.all.enumerated() {
            if index > 0 { literal(", ") }
            write(needsEscape ? "$" + field.name : field.name)
            literal(": ")
            write(field.value)
        }
        literal("}")
    }

    mutating func writeBytes(_ value: [UInt8]) {
        literal(#"{"$base64": ""#)
        appendBase64(value, to: &bytes)
        literal(#""}"#)
    }

    mutating func write(_ value: Int64) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var first = digits.count
            repeat {
                first -= 1
                digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            bytes.append(contentsOf: digits[first...])
        }
    }

    /// A time in ns as ms, exactly: `1.25`, `120`.
    mutating func writeMilliseconds(nanoseconds: Int64) {
        if nanoseconds < 0, nanoseconds > -1_000_000 { bytes.append(UInt8(ascii: "-")) }
        write(nanoseconds / 1_000_000)
        var fraction = (nanoseconds % 1_000_000).magnitude
        guard fraction > 0 else { return }
        bytes.append(UInt8(ascii: "."))
        var unit: UInt64 = 100_000
        while fraction > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(fraction / unit))
            fraction %= unit
            unit /= 10
        }
    }

    mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { characters in
            var plainFrom = 0
            for index in characters.indices where JSONWriter.needsEscape(characters[index]) {
                bytes.append(contentsOf: characters[plainFrom..<index])
                appendEscape(of: characters[index])
                plainFrom = index + 1
            }
            bytes.append(contentsOf: characters[plainFrom...])
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F
    }

    private mutating func appendEscape(of byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        default:
            literal("u00")
            bytes.append(JSONWriter.hexDigits[Int(byte >> 4)])
            bytes.append(JSONWriter.hexDigits[Int(byte & 15)])
        }
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)
}
