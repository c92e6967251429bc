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

    /// A frame with the next id of the session around it: a struct of the engine's where one says the same, else
    /// a `GenericFrame`.
    func makeFrame() -> any Frame {
        switch type.name {
        case "TextFrame":
            if let text, payload == nil, fields.isEmpty { return TextFrame(text) }
        case "OutputAudioRawFrame":
            if let audio = makeAudio() { return audio }
        case "OutputImageRawFrame":
            if let image = makeImage() { return image }
        case "ErrorFrame":
            if let error = makeError() { return error }
        default:
            if text == nil, payload == nil, fields.isEmpty, let bare = makeBare() { return bare }
        }
        return GenericFrame(type, text: text, payload: payload, fields: fields)
    }

    /// A frame with an id of its own.
    func makeFrame(id: Int64) -> any Frame {
        // A source that begins with it: the frame takes its id when it is made, and none of the session's is lost.
        FrameIdentity(first: id).use { makeFrame() }
    }

    private func makeBare() -> (any Frame)? {
        switch type.name {
        case "StartFrame": StartFrame()
        case "EndFrame": EndFrame()
        case "StopFrame": StopFrame()
        case "CancelFrame": CancelFrame()
        case "InterruptionFrame": InterruptionFrame()
        case "SyncFrame": SyncFrame()
        default: nil
        }
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

extension FrameHeader {
    /// Sets what is given; touches nothing else.
    mutating func set(pts: Int64?, name: String? = nil, metadata: FrameFields) {
        if let pts { self.pts = pts }
        if let name { self.name = name }
        if !metadata.isEmpty { self.metadata = metadata }
    }
}
