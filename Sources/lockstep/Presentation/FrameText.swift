internal import PipelineEngine
internal import PipelineFiles

extension Frame {
    /// What a person reads in the frame: its text, else a short description, as the history's views have it.
    var readableText: String {
        if let text { return text }
        let fields = self.fields
        if let payload {
            var description = "\(payload.name) \(payload.bytes.count) bytes"
            if case .integer(let rate) = fields["sample_rate"] { description += " \(rate) Hz" }
            if case .array(let size) = fields["size"], size.count == 2, case .integer(let width) = size[0],
                case .integer(let height) = size[1]
            {
                description += " \(width)x\(height)"
            }
            return description
        }
        if case .string(let error) = fields["error"] { return error }
        return fields.isEmpty ? "" : String(decoding: JSONText.bytes(.object(fields)), as: UTF8.self)
    }

    /// The name and, in quotes, what is said: `TextFrame#3 “hello”`.
    func styled(_ style: Style = .plain) -> StyledText {
        let words = readableText
        if words.isEmpty { return StyledText(name, style) }
        return StyledText(name, style)
            + StyledText(text == nil ? " \(words)" : " “\(words)”", style.union(.dim))
    }
}
