import PipelineEngine

/// What the history keeps of one frame: its content after the session's payload mode and the limits have had their say.
///
/// `~Copyable`: a copy for each call that looks at it cost a seventh of the time in which a frame is written.
struct KeptContent: ~Copyable {
    var text: String?
    /// Ranges of JSON in the writer's scratch space.
    var fields: Range<Int>?
    var metadata: Range<Int>?
    var payload: [UInt8]?
    var payloadName: String?
    /// nil if nothing is missing.
    var omission: ContentOmission?

    /// - Parameter isCut: whether the JSON lacks what nests too deeply.
    init(
        text: String?, fields: Range<Int>?, metadata: Range<Int>?, payload: FramePayload?, omission: ContentOmission?,
        isCut: Bool
    ) {
        self.text = text
        self.fields = fields
        self.metadata = metadata
        self.payload = payload?.bytes
        payloadName = payload?.name ?? omission?.payloadName
        self.omission = omission
        if isCut { miss(.truncated) }
    }

    private mutating func miss(_ reason: ContentOmission.Reason) {
        // What was missing before it came here says more.
        if omission == nil { omission = ContentOmission(reason) }
    }

    private mutating func dropText(_ reason: ContentOmission.Reason) {
        guard let count = text?.utf8.count else { return }
        miss(reason)
        omission?.textBytes = Int64(count)
        text = nil
    }

    private mutating func dropPayload(_ reason: ContentOmission.Reason) {
        guard let count = payload?.count else { return }
        miss(reason)
        omission?.payloadBytes = Int64(count)
        payload = nil
    }

    /// Leaves out what the mode does not keep. Bytes within the JSON are the caller's to leave out.
    mutating func withhold(_ mode: PayloadMode, bytesInJSON: Bool, as reason: ContentOmission.Reason = .withheld) {
        if mode == .full { return }
        dropPayload(reason)
        if mode == .text {
            if bytesInJSON { miss(reason) }
            return
        }
        dropText(reason)
        if fields != nil || metadata != nil { miss(reason) }
        fields = nil
        metadata = nil
        if !mode.keepsTraces {
            omission?.textBytes = nil
            omission?.payloadBytes = nil
            omission?.digest = nil
        }
    }

    /// Leaves out what is larger than the history keeps.
    mutating func truncate(to bytes: Int) {
        if text?.utf8.count ?? 0 > bytes { dropText(.truncated) }
        if payload?.count ?? 0 > bytes { dropPayload(.truncated) }
        if fields?.count ?? 0 > bytes {
            miss(.truncated)
            fields = nil
        }
        if metadata?.count ?? 0 > bytes {
            miss(.truncated)
            metadata = nil
        }
    }
}
