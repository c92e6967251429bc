/// One defect that a session shows: where it was seen, what it is, and what to do about it.
public struct Finding: Sendable, Hashable {
    /// What kind of defect. The raw values are part of the history's format.
    public enum Kind: String, Sendable, CaseIterable {
        /// A system frame left a stage more than once.
        case systemFrameDuplicated = "system-frame-duplicated"
        /// The EndFrame came out of every branch and never out of the stage.
        case endFrameLost = "end-frame-lost"
        /// A frame left a stage behind the EndFrame.
        case outputAfterEnd = "output-after-end"
        /// An upstream output was kept back until a later batch, or for good.
        case upstreamHeld = "upstream-held"
        /// A branch did not give its SyncFrame, or its EndFrame, back.
        case syncMissing = "sync-missing"
        /// A branch gave back a SyncFrame of another batch, so that outputs go with the wrong batch from there on.
        case batchMisaligned = "batch-misaligned"
        /// An output of an interrupted batch left the stage later.
        case staleOutput = "stale-output"
        /// An output came after its branch's SyncFrame (C13).
        case lateOutput = "late-output"
        /// A SyncFrame left its stage.
        case syncFrameLeaked = "sync-frame-leaked"
        /// Another frame than the StartFrame came out of a branch first.
        case startFrameAnomaly = "start-frame-anomaly"
        /// A stage in arrival order released in another one.
        case arrivalOrderBroken = "arrival-order-broken"
        /// A system frame born in a branch was kept back until a batch was released.
        case systemFrameHeld = "system-frame-held"
        /// Two frames share an id (C16).
        case idCollision = "id-collision"
        /// Part of what happened is not in the recording.
        case recordingIncomplete = "recording-incomplete"
        /// The session did not come to its end; why.
        case sessionFailed = "session-failed"
        /// A branch took longer than the stage's stall timeout (C12).
        case stall
        /// A processor threw (C11).
        case error
        /// Anything else that no healthy pipeline does.
        case anomaly

        /// Where the defect is tracked upstream, if it is.
        public var link: String? {
            switch self {
            case .systemFrameDuplicated: "https://github.com/pipecat-ai/pipecat/issues/5492"
            default: nil
            }
        }
    }

    /// How much it matters. The raw values are part of the history's format.
    public enum Severity: String, Sendable, CaseIterable {
        /// Frames are lost, or the pipeline hangs.
        case error
        /// Frames come out twice, late or in the wrong order.
        case warning
        /// Nothing went wrong in the pipeline, but something about the recording should be known.
        case note
    }

    public var kind: Kind
    public var severity: Severity
    /// The stage's number, -1 for the session as a whole.
    public var stage: Int
    /// The batch's number, 0 for none.
    public var batch: Int64
    /// The branch's number, -1 for none.
    public var branch: Int
    /// The sequence of the event at which it was seen, 0 for none; that event's frame is the one concerned.
    public var sequence: Int64
    /// One sentence: what was seen, with the frame's name, and what to do about it, with the link if there is one.
    public var detail: String

    public init(
        _ kind: Kind, _ severity: Severity, stage: Int = -1, batch: Int64 = 0, branch: Int = -1, sequence: Int64 = 0,
        detail: String
    ) {
        self.kind = kind
        self.severity = severity
        self.stage = stage
        self.batch = batch
        self.branch = branch
        self.sequence = sequence
        self.detail = detail
    }
}
