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
    /// The event that carries the outcome: when the batch ended.
    public var end: SessionEvent?

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
        if let outcome = event.outcome {
            self.outcome = outcome
            end = event
        }
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
        // In place: taking a batch out of the dictionary and putting it back costs more than the rest.
        if let place = open.index(forKey: event.stage) {
            if open.values[place].batch < event.batch { finished.append(open.remove(at: place).value) }
        }
        let place: Dictionary<Int, RecordedBatch>.Index
        if let known = open.index(forKey: event.stage) {
            place = known
        } else {
            open[event.stage] = RecordedBatch(stage: event.stage, batch: event.batch)
            guard let new = open.index(forKey: event.stage) else { return finished }
            place = new
        }
        // What still comes of one that was overtaken is lost to it, but must not get into the next.
        if open.values[place].batch == event.batch { open.values[place].add(event) }
        if open.values[place].outcome != nil { finished.append(open.remove(at: place).value) }
        if let last = finished.last { ended[event.stage] = last.batch }
        return finished
    }

    /// The batches still open, by stage.
    public func unfinished() -> [RecordedBatch] { open.values.sorted { $0.stage < $1.stage } }
}
