/// One value of MessagePack.
enum MessagePackValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// An integer above `Int64.max`.
    case large(UInt64)
    case number(Double)
    case string(String)
    case bytes([UInt8])
    case array([MessagePackValue])
    case map([Entry])
    /// An extension type with its bytes; timestamps are of type -1.
    case extended(Int8, [UInt8])

    struct Entry: Sendable, Hashable {
        var key: MessagePackValue
        var value: MessagePackValue

        init(_ key: MessagePackValue, _ value: MessagePackValue) {
            self.key = key
            self.value = value
        }
    }
}

extension MessagePackValue {
    /// The value under a key of a map; nil for other values and where the map has no such key. The first of several.
    subscript(key: String) -> MessagePackValue? {
        guard case .map(let entries) = self else { return nil }
        for entry in entries {
            if case .string(key) = entry.key { return entry.value }
        }
        return nil
    }

    var string: String? { if case .string(let value) = self { value } else { nil } }
    var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    var array: [MessagePackValue]? { if case .array(let values) = self { values } else { nil } }

    /// A float, or an integer taken as one.
    var number: Double? {
        switch self {
        case .number(let value): value
        case .integer(let value): Double(value)
        case .large(let value): Double(value)
        default: nil
        }
    }

    /// A map with text keys, in the order of `entries`.
    static func map(_ entries: KeyValuePairs<String, MessagePackValue>) -> MessagePackValue {
        .map(entries.map { Entry(.string($0.key), $0.value) })
    }
}
