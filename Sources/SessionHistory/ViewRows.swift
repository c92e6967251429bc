/// A batch as the view `batches` lists it. Times are ms from the session's start.
public struct BatchSummary: Sendable, Hashable {
    public var stage: Int
    public var batch: Int64
    public var frameID: Int64?
    public var frameType: String?
    public var direction: String?
    public var inboundMs: Double?
    public var releasedMs: Double?
    public var heldMs: Double?
    /// `released`, `interrupted`, `cancelled`, `failed` or `open`.
    public var outcome: String
}

/// One branch's part in a batch, as the view `barriers` lists it.
public struct BranchBarrier: Sendable, Hashable {
    public var stage: Int
    public var batch: Int64
    public var branch: Int
    public var outputs: Int
    /// nil while the branch has not given its SyncFrame back.
    public var syncMs: Double?
    /// How long this branch waited for the last one; nil while that one is awaited.
    public var waitedMs: Double?
    /// Whether this branch was the last, or is being waited for.
    public var straggler: Bool
}

/// How one branch of a stage did over a whole session.
public struct BranchSummary: Sendable, Hashable {
    public var stage: Int
    public var branch: Int
    public var name: String?
    public var processors: [String]
    public var batches: Int64 = 0
    public var outputs: Int64 = 0
    /// Batches in which it came last.
    public var straggled: Int64 = 0
    /// For how long it waited for the others, over all batches, and at most.
    public var waitedMs: Double = 0
    public var maxWaitedMs: Double = 0
}

/// One place of a release, as the views `release_order` and `replay_order` list it.
public struct ReleaseRow: Sendable, Hashable {
    public var stage: Int
    public var batch: Int64
    /// `downstream` or `upstream`.
    public var direction: String
    public var position: Int
    /// nil where no branch put the frame out.
    public var branch: Int?
    public var frameID: Int64
    public var frameName: String
    public var frameType: String
    public var text: String?

    public init(
        stage: Int, batch: Int64, direction: String, position: Int, branch: Int?, frameID: Int64, frameName: String,
        frameType: String, text: String? = nil
    ) {
        self.stage = stage
        self.batch = batch
        self.direction = direction
        self.position = position
        self.branch = branch
        self.frameID = frameID
        self.frameName = frameName
        self.frameType = frameType
        self.text = text
    }
}

/// The orders that the view `release_order` knows.
public enum RecordedOrder: String, Sendable, CaseIterable {
    /// What really left.
    case recorded
    /// What C4 gives for the recorded outputs.
    case arrival, pipeline
}

/// Something that a session shows and no healthy one does, as the view `findings` lists it.
public struct Finding: Sendable, Hashable {
    public enum Severity: String, Sendable, CaseIterable {
        case error, warning, note
    }

    /// The event that shows it, nil where no single one does.
    public var sequence: Int64?
    public var stage: Int?
    public var batch: Int64?
    public var branch: Int?
    public var kind: String
    public var severity: Severity
    public var detail: String

    public init(
        sequence: Int64? = nil, stage: Int? = nil, batch: Int64? = nil, branch: Int? = nil, kind: String,
        severity: Severity, detail: String
    ) {
        self.sequence = sequence
        self.stage = stage
        self.batch = batch
        self.branch = branch
        self.kind = kind
        self.severity = severity
        self.detail = detail
    }
}

/// A stored rerun, as the view `replays` lists it.
public struct ReplaySummary: Sendable, Hashable {
    public var replay: Int64
    public var session: Int64
    public var frameOrder: RecordedOrder
    public var startedAt: String
    /// `same`, `different` or `failed`; nil while it runs, or when it never finished.
    public var verdict: String?
    public var differingBatches: Int64?
}
