internal import PipelineEngine
internal import PipelineFiles

extension Frame {
    /// What a person reads in the frame: its text, else a short description, as the history's views have it.
    var readableText: String {
        if let text { return text }
        let fields = self.fields
        // Whisker names the bytes of a frame and leaves them out.
        let unsent = fields.all.first { $0.value == "<type: bytes>" }?.name
        if let name = payload?.name ?? unsent {
            var words = payload.map { "\(name) \($0.bytes.count) bytes" } ?? name
            if case .integer(let rate) = fields["sample_rate"] { words += " \(rate) Hz" }
            if case .array(let size) = fields["size"], size.count == 2, case .integer(let width) = size[0],
                case .integer(let height) = size[1]
            {
                words += " \(width)x\(height)"
            }
            return words
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
