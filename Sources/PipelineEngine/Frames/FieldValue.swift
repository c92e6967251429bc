/// The value of one field of a frame: what JSON can say, and bytes.
public enum FieldValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case bytes([UInt8])
    case array([FieldValue])
    case object(FrameFields)
}

extension FieldValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}

/// The fields of a frame by name, in the order in which the frame declares them.
///
/// Two values are equal when they hold the same names with the same values, in whatever order.
public struct FrameFields: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    public struct Field: Sendable, Hashable {
        public var name: String
        public var value: FieldValue
    }

    public private(set) var all: [Field] = []

    public init() {}

    public init(dictionaryLiteral elements: (String, FieldValue)...) {
        for (name, value) in elements { self[name] = value }
    }

    public var isEmpty: Bool { all.isEmpty }

    /// The field's value; nil where there is none. Setting nil removes the field.
    public subscript(name: String) -> FieldValue? {
        get { all.first { $0.name == name }?.value }
        set {
            let index = all.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): all[index].value = value
            case (let index?, nil): all.remove(at: index)
            case (nil, let value?): all.append(Field(name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Appends a field that is known to be new: for builders that guarantee distinct names, without the search.
    public mutating func append(_ name: String, _ value: FieldValue) { all.append(Field(name: name, value: value)) }

    public static func == (left: FrameFields, right: FrameFields) -> Bool {
        if left.all == right.all { return true }
        return left.all.count == right.all.count && left.all.allSatisfy { right[$0.name] == $0.value }
    }

    public func hash(into hasher: inout Hasher) {
        // Independent of order, as equality is.
        var combined = 0
        for field in all { combined ^= field.hashValue }
        hasher.combine(combined)
    }
}
