import PipelineEngine

/// Makes frames of what a program wrote to its stdout, by the type of frame that it `emits`:
///
/// - audio: a WAV file, cut into pieces of `chunk` ns;
/// - images: the file as it is, with format and size where its header tells;
/// - all others: UTF-8 text without the newline at its end. A program that writes nothing gives no frame.
enum ProgramOutput {
    static func contents(
        of bytes: [UInt8], as type: FrameType, chunk: Int64?
    ) throws(MediaProblem) -> [FrameContent] {
        if FieldRule.isAudio(type) { return try audio(bytes, type, chunk) }
        if FieldRule.isImage(type) { return [try image(bytes, type)] }
        guard !bytes.isEmpty else { return [] }
        guard var text = String(validating: bytes, as: UTF8.self) else {
            throw MediaProblem("its output is not UTF-8 text, which a \(type.name) takes")
        }
        // A CRLF is one Character.
        if text.last?.isNewline == true { text.removeLast() }
        var content = FrameContent(type)
        content.text = text
        return [content]
    }

    private static func audio(
        _ bytes: [UInt8], _ type: FrameType, _ chunk: Int64?
    ) throws(MediaProblem) -> [FrameContent] {
        let audio = try WAVAudio(bytes)
        return audio.pieces(of: chunk).map { piece in
            var content = FrameContent(type)
            content.payload = FramePayload(name: "audio", bytes: Array(piece))
            content.fields = [
                "sample_rate": .integer(Int64(audio.sampleRate)), "num_channels": .integer(Int64(audio.channels)),
            ]
            return content
        }
    }

    private static func image(_ bytes: [UInt8], _ type: FrameType) throws(MediaProblem) -> FrameContent {
        guard !bytes.isEmpty else { throw MediaProblem("it wrote nothing, and no image") }
        let header = ImageHeader(bytes)
        var content = FrameContent(type)
        content.payload = FramePayload(name: "image", bytes: bytes)
        if let size = header.size {
            content.fields["size"] = .array([.integer(Int64(size.width)), .integer(Int64(size.height))])
        }
        if let format = header.format { content.fields["format"] = .string(format) }
        return content
    }
}
