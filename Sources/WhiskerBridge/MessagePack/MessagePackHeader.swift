/// What the first bytes of a MessagePack value say: its kind, and how much follows.
struct MessagePackHeader {
    enum Kind {
        case null
        case bool(Bool)
        case signed, unsigned
        case fixed(Int64)
        case float, double, string, bytes, array, map, extended
    }

    var kind: Kind
    /// Bytes of the header itself, the tag included.
    var length: Int
    /// Bytes that follow it. For numbers these are the number's, for an extension they do not include the type.
    var payload = 0
    /// Values that follow it: for an array its elements, for a map keys and values.
    var children = 0

    /// Reads the header at `index`; nil when `bytes` ends before the header does.
    ///
    /// - Throws: `MessagePackError` for the one tag that MessagePack does not use.
    init?(_ bytes: [UInt8], at index: Int) throws(MessagePackError) {
        guard index < bytes.count else { return nil }
        let tag = bytes[index]
        length = 1
        switch tag {
        case 0x00...0x7f: kind = .fixed(Int64(tag))
        case 0xe0...0xff: kind = .fixed(Int64(Int8(bitPattern: tag)))
        case 0x80...0x8f: (kind, children) = (.map, 2 * Int(tag & 0x0f))
        case 0x90...0x9f: (kind, children) = (.array, Int(tag & 0x0f))
        case 0xa0...0xbf: (kind, payload) = (.string, Int(tag & 0x1f))
        case 0xc0: kind = .null
        case 0xc1: throw MessagePackError("the byte 0xC1, which begins no value", at: index)
        case 0xc2: kind = .bool(false)
        case 0xc3: kind = .bool(true)
        case 0xca: (kind, payload) = (.float, 4)
        case 0xcb: (kind, payload) = (.double, 8)
        case 0xcc...0xcf: (kind, payload) = (.unsigned, 1 << Int(tag - 0xcc))
        case 0xd0...0xd3: (kind, payload) = (.signed, 1 << Int(tag - 0xd0))
        case 0xd4...0xd8:
            (kind, payload, length) = (.extended, 1 << Int(tag - 0xd4), 2)
            guard index + 1 < bytes.count else { return nil }
        case 0xc4...0xc6, 0xc7...0xc9, 0xd9...0xdb, 0xdc...0xdd, 0xde...0xdf:
            let (kind, width) = MessagePackHeader.sized(tag)
            guard index + width < bytes.count else { return nil }
            let count = Int(MessagePackHeader.bigEndian(bytes, at: index + 1, width: width))
            self.kind = kind
            length = 1 + width
            switch kind {
            case .array: children = count
            case .map: children = 2 * count
            case .extended:
                (payload, length) = (count, 2 + width)
                guard index + 1 + width < bytes.count else { return nil }
            default: payload = count
            }
        default: throw MessagePackError("the byte \(tag), which begins no value", at: index)
        }
    }

    /// The kind behind a tag that is followed by a count, and the count's width in bytes.
    private static func sized(_ tag: UInt8) -> (Kind, Int) {
        switch tag {
        case 0xc4...0xc6: (.bytes, 1 << Int(tag - 0xc4))
        case 0xc7...0xc9: (.extended, 1 << Int(tag - 0xc7))
        case 0xd9...0xdb: (.string, 1 << Int(tag - 0xd9))
        case 0xdc...0xdd: (.array, 2 << Int(tag - 0xdc))
        default: (.map, 2 << Int(tag - 0xde))
        }
    }

    /// The unsigned number of `width` bytes at `index`, which must all be there.
    static func bigEndian(_ bytes: [UInt8], at index: Int, width: Int) -> UInt64 {
        var value: UInt64 = 0
        for offset in 0..<width { value = value << 8 | UInt64(bytes[index + offset]) }
        return value
    }
}

/// What makes bytes no MessagePack, or more than the limits allow.
struct MessagePackError: Error, Sendable, Hashable {
    var reason: String
    /// Where: an index into the bytes at hand, made an offset into the stream by `MessagePackDecoder`.
    var offset: Int64

    init(_ reason: String, at index: Int) {
        self.reason = reason
        offset = Int64(index)
    }
}
