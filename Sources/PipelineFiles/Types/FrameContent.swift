import PipelineEngine

/// All of a frame but its header: what stands in a file before the frame is made.
struct FrameContent: Sendable, Hashable {
    var type: FrameType
    var text: String?
    var payload: FramePayload?
    var fields = FrameFields()

    init(_ type: FrameType) { self.type = type }

    /// Takes in a field: `text` and the first field of bytes have places of their own.
    mutating func add(_ name: String, _ value: FieldValue) {
        switch value {
        case .string(let value) where name == "text": text = value
        case .bytes(let value) where payload == nil: payload = FramePayload(name: name, bytes: value)
        default: fields.append(name, value)
        }
    }

    /// The frame: a struct of the engine's where one says the same, else a `GenericFrame`.
    func makeFrame(header: FrameHeader) -> any Frame {
        var frame: any Frame
        switch type.name {
        case "TextFrame":
            guard let text, payload == nil, fields.isEmpty else { return generic(header) }
            frame = TextFrame(text)
        case "OutputAudioRawFrame":
            guard let audio = makeAudio() else { return generic(header) }
            frame = audio
        case "OutputImageRawFrame":
            guard let image = makeImage() else { return generic(header) }
            frame = image
        case "ErrorFrame":
            guard let error = makeError() else { return generic(header) }
            frame = error
        default:
            guard text == nil, payload == nil, fields.isEmpty else { return generic(header) }
            switch type.name {
            case "StartFrame": frame = StartFrame()
            case "EndFrame": frame = EndFrame()
            case "StopFrame": frame = StopFrame()
            case "CancelFrame": frame = CancelFrame()
            case "InterruptionFrame": frame = InterruptionFrame()
            case "SyncFrame": frame = SyncFrame()
            default: return generic(header)
            }
        }
        frame.header = header
        return frame
    }

    private func generic(_ header: FrameHeader) -> GenericFrame {
        GenericFrame(type, header: header, text: text, payload: payload, fields: fields)
    }

    private func makeAudio() -> OutputAudioRawFrame? {
        guard text == nil, let payload, payload.name == "audio", fields.all.count == 2,
            case .integer(let rate) = fields["sample_rate"], case .integer(let channels) = fields["num_channels"]
        else { return nil }
        return OutputAudioRawFrame(audio: payload.bytes, sampleRate: Int(rate), channels: Int(channels))
    }

    private func makeImage() -> OutputImageRawFrame? {
        guard text == nil, let payload, payload.name == "image", fields.all.count == 2,
            case .array(let size) = fields["size"], size.count == 2, case .integer(let width) = size[0],
            case .integer(let height) = size[1], case .string(let format) = fields["format"]
        else { return nil }
        return OutputImageRawFrame(image: payload.bytes, width: Int(width), height: Int(height), format: format)
    }

    private func makeError() -> ErrorFrame? {
        guard text == nil, payload == nil, fields.all.count == 3, case .string(let error) = fields["error"],
            case .string(let processor) = fields["processor"], case .bool(let fatal) = fields["fatal"]
        else { return nil }
        return ErrorFrame(error: error, processor: processor, fatal: fatal)
    }
}
