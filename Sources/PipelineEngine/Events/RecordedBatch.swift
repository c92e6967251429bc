/// All events of one batch of a stage, as recorded.
public struct RecordedBatch: Sendable {
    public var stage: Int
    public var batch: Int64
    /// nil when the recording began after the batch did.
    public var inbound: SessionEvent?
    /// Events of kind `output` and `late`, in the order of their arrival.
    public var outputs: [SessionEvent] = []
    /// In the order in which the branches gave their SyncFrames back.
    public var syncs: [SessionEvent] = []
    /// What left, in the order in which it left: upstream first.
    public var releases: [SessionEvent] = []
    /// Events of kind `duplicate`.
    public var duplicates: [SessionEvent] = []
    /// Events of kind `drop`, `stall`, `error` and `anomaly`.
    public var incidents: [SessionEvent] = []
    /// nil while the batch is open, or when the recording ended before it.
    public var outcome: BatchOutcome?

    public init(stage: Int, batch: Int64) {
        self.stage = stage
        self.batch = batch
    }

    /// Adds the next event of this batch.
    public mutating func add(_ event: SessionEvent) {
        switch event.kind {
        case .inbound: inbound = event
        case .output, .late: outputs.append(event)
        case .sync: syncs.append(event)
        case .release: releases.append(event)
        case .duplicate: duplicates.append(event)
        case .drop, .stall, .error, .anomaly: incidents.append(event)
        case .bypass, .close: break
        }
        if let outcome = event.outcome { self.outcome = outcome }
    }
}

/// Puts a stream of events together to batches, each given out when it ends.
///
/// Holds one open batch per stage, however long the stream.
public struct BatchAssembler: Sendable {
    private var open: [Int: RecordedBatch] = [:]
    /// The latest batch of each stage that has ended: a SyncFrame that comes after it (C12) begins no new one.
    private var ended: [Int: Int64] = [:]

    public init() {}

    /// The batches that end with this event: usually none or one; two when an unfinished one is overtaken as well.
    public mutating func add(_ event: SessionEvent) -> [RecordedBatch] {
        guard event.stage >= 0, event.batch > ended[event.stage, default: 0] else { return [] }
        var finished: [RecordedBatch] = []
        if let overtaken = open[event.stage], overtaken.batch < event.batch {
            finished.append(overtaken)
            open[event.stage] = nil
        }
        var batch = open.removeValue(forKey: event.stage) ?? RecordedBatch(stage: event.stage, batch: event.batch)
        // What still comes of one that was overtaken is lost to it, but must not get into the next.
        if batch.batch == event.batch { batch.add(event) }
        if batch.outcome == nil { open[event.stage] = batch } else { finished.append(batch) }
        if let last = finished.last { ended[event.stage] = last.batch }
        return finished
    }

    /// The batches still open, by stage.
    public func unfinished() -> [RecordedBatch] { open.values.sorted { $0.stage < $1.stage } }
}
