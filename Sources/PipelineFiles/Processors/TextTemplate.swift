import PipelineEngine

/// A text with `{field}` in it, filled in from a frame.
///
/// A field that the frame lacks fills in as nothing. Besides its fields a frame has `{text}`, `{id}`, `{type}` and `{pts}`.
/// Braces around anything but a name are ordinary characters, and `{{field}}` stands for `{field}` itself.
struct TextTemplate: Sendable, Hashable {
    private enum Part: Sendable, Hashable {
        case literal(String)
        case field(String)
    }

    private var parts: [Part] = []

    init(_ text: String) {
        var literal = ""
        var rest = text[...]
        while let brace = rest.firstIndex(of: "{") {
            literal += rest[..<brace]
            rest = rest[brace...]
            if let (name, end) = TextTemplate.name(in: rest, opening: "{{", closing: "}}") {
                literal += "{\(name)}"
                rest = rest[end...]
            } else if let (name, end) = TextTemplate.name(in: rest, opening: "{", closing: "}") {
                if !literal.isEmpty { parts.append(.literal(literal)) }
                literal = ""
                parts.append(.field(name))
                rest = rest[end...]
            } else {
                literal.append(rest.removeFirst())
            }
        }
        literal += rest
        if !literal.isEmpty { parts.append(.literal(literal)) }
    }

    /// A text without anything to fill in, whatever braces it has.
    init(literal: String) { parts = literal.isEmpty ? [] : [.literal(literal)] }

    private static func name(
        in text: Substring, opening: String, closing: String
    ) -> (name: String, end: Substring.Index)? {
        guard text.hasPrefix(opening) else { return nil }
        let name = text.dropFirst(opening.count).prefix {
            $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "$")
        }
        guard let first = name.first, !first.isNumber, text[name.endIndex...].hasPrefix(closing) else { return nil }
        return (String(name), text.index(name.endIndex, offsetBy: closing.count))
    }

    /// The text, if there is nothing to fill in.
    var constant: String? {
        if parts.isEmpty { return "" }
        guard parts.count == 1, case .literal(let text) = parts[0] else { return nil }
        return text
    }

    /// The field, if the text is just `{field}`.
    var soleField: String? {
        guard parts.count == 1, case .field(let name) = parts[0] else { return nil }
        return name
    }

    func filled(from frame: any Frame) -> String {
        if let constant { return constant }
        var text = ""
        for part in parts {
            switch part {
            case .literal(let literal): text += literal
            case .field(let name): text += frame.value(of: name).map { $0.templateText } ?? ""
            }
        }
        return text
    }
}

extension Frame {
    /// What `{name}` stands for in a template: a field, else one of the keys that every frame has.
    func value(of name: String) -> FieldValue? {
        if name == "text", let text { return .string(text) }
        if let payload, payload.name == name { return .bytes(payload.bytes) }
        if let field = fields[name] { return field }
        switch name {
        case "id": return .integer(id)
        case "type": return .string(type.name)
        case "pts": return header.pts.map(FieldValue.integer)
        default: return nil
        }
    }
}

extension FieldValue {
    /// The value within a text: null is nothing, bytes are base64, lists and objects are JSON.
    var templateText: String {
        switch self {
        case .null: return ""
        case .string(let text): return text
        case .bytes(let bytes):
            var text: [UInt8] = []
            appendBase64(bytes, to: &text)
            return String(decoding: text, as: UTF8.self)
        default:
            var json = JSONWriter()
            json.write(self)
            return String(decoding: json.bytes, as: UTF8.self)
        }
    }
}
