/// One thing that happened at a stage of a session: the vocabulary between whoever runs a pipeline (this engine, or a
/// Pipecat bot seen through Whisker) and whoever keeps its history.
public struct SessionEvent: Sendable {
    /// The raw values are part of the history's format.
    public enum Kind: Int, Sendable, CaseIterable {
        /// A synchronized frame was accepted and opened its batch. Never a system frame.
        case inbound = 1
        /// A frame reached a branch's sink or source.
        case output = 2
        /// A branch gave back the SyncFrame of its batch.
        case sync = 3
        /// A frame left the stage with its batch. `subject` is its output.
        case release = 4
        /// An output was left out of the release because one of the same id went before it. `subject` is the output,
        /// `position` that of the frame released instead.
        case duplicate = 5
        /// A frame was dropped: an output of an interrupted, cancelled or failed batch (`subject`), or a frame that
        /// waited to be accepted (no batch). `detail` says why.
        case drop = 6
        /// A frame passed outside of batches. Without a branch it came from outside, with one it was born there.
        case bypass = 7
        /// An output of a branch that had already given its SyncFrame back; belongs to the batch with which it is
        /// released. Stands in place of `output`.
        case late = 8
        /// A branch did not give its SyncFrame back in time. `detail` names the processor that holds the frame.
        case stall = 9
        /// A processor threw. `detail` is the error, `processor` who.
        case error = 10
        /// Something that no healthy pipeline does: a stray SyncFrame, frames that share an id. `detail` says what.
        case anomaly = 11
        /// A batch ended that had no `release`, `duplicate` or `drop` to say it on.
        case close = 12
    }

    /// The session's logical order, from 1 without gaps: the only ordering key.
    public var sequence: Int64
    /// ns since the session's start, never decreasing with `sequence` within a session of this engine's; one of `times`.
    public var time: Int64
    /// The times that an event can have, in ns: 73 years either way. Sums and differences of two are no trouble.
    public static let times = -maxTime...maxTime
    /// The latest of `times`.
    public static let maxTime = Int64.max / 4
    public var kind: Kind
    /// The stage's number, -1 for events of the session as a whole.
    public var stage: Int
    /// The batch's number, 0 for events outside of batches.
    public var batch: Int64
    /// The branch's number, -1 for events of the stage as a whole.
    public var branch: Int
    public var direction: FrameDirection?
    /// `output` and `late`: the index within batch and branch.
    public var emission: Int
    /// `output` and `late`: the index within the batch over all branches.
    public var arrival: Int
    /// `release`: the index within batch and direction. -1 where there is none.
    public var position: Int
    /// The sequence of the event that this one is about, 0 for none.
    public var subject: Int64
    /// The frame, on events of kind `inbound`, `output`, `late`, `bypass`, and others that have no `subject`.
    public var frame: (any Frame)? {
        get { parcel?.frame }
        set { parcel = newValue.map { Parcel($0) } }
    }
    /// `frame`, as the engine passes it on.
    package var parcel: Parcel?
    public var detail: String?
    /// The processor concerned, for `error` and `stall`.
    public var processor: String?
    /// How the batch ended, on the last of its events.
    public var outcome: BatchOutcome?
}

// Not in the struct itself, which keeps the initializer of its properties that way: an event made by that one is not copied.
extension SessionEvent {
    public init(
        sequence: Int64, time: Int64, kind: Kind, stage: Int = -1, batch: Int64 = 0, branch: Int = -1,
        direction: FrameDirection? = nil, emission: Int = -1, arrival: Int = -1, position: Int = -1,
        subject: Int64 = 0, frame: (any Frame)? = nil, detail: String? = nil, processor: String? = nil,
        outcome: BatchOutcome? = nil
    ) {
        self.init(
            sequence: sequence, time: time, kind: kind, stage: stage, batch: batch, branch: branch,
            direction: direction,
            emission: emission, arrival: arrival, position: position, subject: subject,
            parcel: frame.map { Parcel($0) },
            detail: detail, processor: processor, outcome: outcome)
    }
}

/// How a batch ended; one that never did is open.
public enum BatchOutcome: String, Sendable, CaseIterable {
    case released, interrupted, cancelled, failed
}
