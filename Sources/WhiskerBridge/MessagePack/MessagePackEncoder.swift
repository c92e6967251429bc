/// Writes MessagePack, every value in the shortest form that holds it.
struct MessagePackEncoder {
    private(set) var bytes: [UInt8] = []

    static func encode(_ value: MessagePackValue) -> [UInt8] {
        var encoder = MessagePackEncoder()
        encoder.append(value)
        return encoder.bytes
    }

    mutating func append(_ value: MessagePackValue) {
        switch value {
        case .null: bytes.append(0xc0)
        case .bool(let value): bytes.append(value ? 0xc3 : 0xc2)
        case .integer(let value): append(value)
        case .large(let value): append(tag: 0xcf, value, width: 8)
        case .number(let value): append(tag: 0xcb, value.bitPattern, width: 8)
        case .string(let value):
            let text = value.utf8
            if text.count < 32 {
                bytes.append(0xa0 | UInt8(text.count))
            } else {
                appendCount(text.count, tags: (0xd9, 0xda, 0xdb))
            }
            bytes.append(contentsOf: text)
        case .bytes(let value):
            appendCount(value.count, tags: (0xc4, 0xc5, 0xc6))
            bytes.append(contentsOf: value)
        case .array(let values):
            appendCount(values.count, short: 0x90, tags: (0xdc, 0xdd))
            for value in values { append(value) }
        case .map(let entries):
            appendCount(entries.count, short: 0x80, tags: (0xde, 0xdf))
            for entry in entries {
                append(entry.key)
                append(entry.value)
            }
        case .extended(let type, let value):
            switch value.count {
            case 1, 2, 4, 8, 16: bytes.append(0xd4 + UInt8(value.count.trailingZeroBitCount))
            default: appendCount(value.count, tags: (0xc7, 0xc8, 0xc9))
            }
            bytes.append(UInt8(bitPattern: type))
            bytes.append(contentsOf: value)
        }
    }

    private mutating func append(_ value: Int64) {
        switch value {
        case 0...0x7f, -32 ... -1: bytes.append(UInt8(truncatingIfNeeded: value))
        case 0...0xff: append(tag: 0xcc, UInt64(value), width: 1)
        case 0...0xffff: append(tag: 0xcd, UInt64(value), width: 2)
        case 0...0xffff_ffff: append(tag: 0xce, UInt64(value), width: 4)
        case 0...: append(tag: 0xcf, UInt64(value), width: 8)
        case (-0x80)...: append(tag: 0xd0, UInt64(bitPattern: value), width: 1)
        case (-0x8000)...: append(tag: 0xd1, UInt64(bitPattern: value), width: 2)
        case (-0x8000_0000)...: append(tag: 0xd2, UInt64(bitPattern: value), width: 4)
        default: append(tag: 0xd3, UInt64(bitPattern: value), width: 8)
        }
    }

    /// A count in one, two or four bytes, each with its tag.
    private mutating func appendCount(_ count: Int, tags: (UInt8, UInt8, UInt8)) {
        if count <= 0xff { return append(tag: tags.0, UInt64(count), width: 1) }
        appendCount(count, tags: (tags.1, tags.2))
    }

    /// A count within the tag where it is below 16.
    private mutating func appendCount(_ count: Int, short: UInt8, tags: (UInt8, UInt8)) {
        if count < 16 { return bytes.append(short | UInt8(count)) }
        appendCount(count, tags: tags)
    }

    private mutating func appendCount(_ count: Int, tags: (UInt8, UInt8)) {
        if count <= 0xffff { return append(tag: tags.0, UInt64(count), width: 2) }
        append(tag: tags.1, UInt64(count), width: 4)
    }

    private mutating func append(tag: UInt8, _ value: UInt64, width: Int) {
        bytes.append(tag)
        for shift in stride(from: 8 * (width - 1), through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }
}
