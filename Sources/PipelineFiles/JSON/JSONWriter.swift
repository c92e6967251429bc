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
            for index in characters.indices where JSONWriter.mayNeedEscape(characters[index]) {
                let byte = characters[index]
                if byte < 0x80 {
                    bytes.append(contentsOf: characters[plainFrom..<index])
                    appendEscape(of: byte)
                    plainFrom = index + 1
                } else if let unit = JSONWriter.steeringUnit(characters, at: index) {
                    bytes.append(contentsOf: characters[plainFrom..<index])
                    appendEscape(of: unit)
                    plainFrom = index + (byte < 0xE0 ? 2 : 3)
                }
            }
            bytes.append(contentsOf: characters[plainFrom...])
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func mayNeedEscape(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<0x20, UInt8(ascii: "\""), UInt8(ascii: "\\"), 0x7F, 0xC2, 0xD8, 0xE2: true
        default: false
        }
    }

    /// What begins here, if a terminal would act on it: the controls from U+0080 on, marks that turn the direction of writing,
    /// separators of lines. JSON is data, and is read on terminals all the same.
    private static func steeringUnit(_ characters: UnsafeBufferPointer<UInt8>, at index: Int) -> UInt16? {
        let length = characters[index] < 0xE0 ? 2 : 3
        guard index + length <= characters.count else { return nil }
        let second = UInt16(characters[index + 1] & 0x3F)
        switch characters[index] {
        case 0xC2: return second < 0x20 ? 0x80 | second : nil
        case 0xD8: return second == 0x1C ? 0x061C : nil
        default:
            let unit = 0x2000 | second << 6 | UInt16(characters[index + 2] & 0x3F)
            switch unit {
            case 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: return unit
            default: return nil
            }
        }
    }

    private mutating func appendEscape(of unit: UInt16) {
        literal("\\u")
        for shift in [12, 8, 4, 0] as [UInt16] { bytes.append(JSONWriter.hexDigits[Int(unit >> shift & 15)]) }
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
