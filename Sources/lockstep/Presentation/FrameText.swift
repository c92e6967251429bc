internal import PipelineEngine
internal import PipelineFiles

extension Frame {
    /// What a person reads in the frame: its text, else a short description, as the history's views have it.
    var readableText: String {
        if let text { return text }
        let fields = self.fields
        if let missing = omission, payload == nil, fields.isEmpty || missing.payloadName != nil {
            return missing.words(fields)
        }
        // Whisker names the bytes of a frame and leaves them out.
        let unsent = fields.all.first { $0.value == "<type: bytes>" }?.name
        if let name = payload?.name ?? unsent {
            let words = payload.map { "\(name) \($0.bytes.count) bytes" } ?? name
            return words + fields.mediaWords
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

extension FrameFields {
    /// ` 16000 Hz` of audio, ` 640x480` of images.
    fileprivate var mediaWords: String {
        if case .integer(let rate) = self["sample_rate"] { return " \(rate) Hz" }
        if case .array(let size) = self["size"], size.count == 2, case .integer(let width) = size[0],
            case .integer(let height) = size[1]
        {
            return " \(width)x\(height)"
        }
        return ""
    }
}

extension ContentOmission {
    /// `audio 1600 bytes 16000 Hz withheld`, `text 12 bytes redacted`.
    fileprivate func words(_ fields: FrameFields) -> String {
        if let payloadName {
            return payloadName + (payloadBytes.map { " \($0) bytes" } ?? "") + fields.mediaWords + " \(reason.rawValue)"
        }
        return (textBytes.map { "text \($0) bytes " } ?? "") + reason.rawValue
    }
}
