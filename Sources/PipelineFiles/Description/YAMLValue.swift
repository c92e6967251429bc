import PipelineEngine
import Yams

/// Scalars by the core schema of YAML 1.2: `no`, `on` and `12:30` are texts, not truth values or numbers.
enum YAMLScalar: Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)

    init(_ scalar: Node.Scalar) {
        let text = scalar.string
        let isPlain = scalar.style == .plain || scalar.style == .any
        // Quotes make a text of anything, unless a tag says otherwise.
        let tag = Tag.Name(rawValue: scalar.tag.description)
        guard isPlain && tag != .str || [.int, .float, .bool, .null].contains(tag) else {
            self = .string(text)
            return
        }
        switch text {
        case "", "~", "null", "Null", "NULL": self = .null
        case "true", "True", "TRUE": self = .bool(true)
        case "false", "False", "FALSE": self = .bool(false)
        default:
            if let first = text.utf8.first, first < 0x3A, let integer = Int64(text) {
                self = .integer(integer)
            } else if YAMLScalar.looksLikeNumber(text), let number = Double(text), number.isFinite {
                self = .number(number)
            } else {
                self = .string(text)
            }
        }
    }

    /// Digits, a point and an exponent; not what else `Double` takes (`nan`, `0x1p3`).
    private static func looksLikeNumber(_ text: String) -> Bool {
        text.utf8.contains { $0 >= 0x30 && $0 <= 0x39 }
            && text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0) }
    }
}

extension Node {
    /// The text of a scalar that is a string.
    var text: String? {
        guard let scalar, case .string(let text) = YAMLScalar(scalar) else { return nil }
        return text
    }

    var isNull: Bool { scalar.map { YAMLScalar($0) == .null } ?? false }

    /// Completes "…, not …".
    var kindName: String {
        switch self {
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        case .scalar(let scalar):
            switch YAMLScalar(scalar) {
            case .null: "nothing"
            case .bool(let value): "\(value)"
            case .integer(let value): "\(value)"
            case .number(let value): "\(value)"
            case .string(let text): quoted(text)
            }
        }
    }
}
