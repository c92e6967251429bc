public import PipelineEngine

/// Compares a stage batch by batch, holding one batch of each side at a time, however long the session.
///
/// Batches that cannot be compared are counted in the summary and left out: one whose head the recording lacks, and one
/// that had not ended.
public struct StageComparison: Sendable {
    /// What became of a batch, or of the two batches of one number.
    public enum Item: Sendable {
        case compared(BatchComparison)
        /// Left out: its inbound frame came before the recording began.
        case withoutHead(RecordedBatch)
        /// Left out: it had not ended when the recording did.
        case open(RecordedBatch)
        case leftOnly(RecordedBatch)
        case rightOnly(RecordedBatch)
    }

    public private(set) var summary = ComparisonSummary()

    public init() {}

    /// ARRIVAL against PIPELINE for the next batch of a session.
    public mutating func orders(of batch: RecordedBatch) -> Item {
        if let item = leaveOut(batch) { return item }
        let comparison = BatchComparison(ordersOf: batch)
        summary.unknownFrames += Int64(batch.outputs.count { $0.frame == nil })
        summary.add(comparison)
        return .compared(comparison)
    }

    /// Counts the next batch of a session if its outputs came branch after branch, as nearly all do: then both orders are the
    /// same, and nothing has to be compared. False if that is not known, and nothing is counted.
    mutating func passes(_ batch: RecordedBatch) -> Bool {
        guard batch.inbound != nil, batch.outcome != nil, batch.incidents.isEmpty else { return false }
        var latest = (upstream: Int.min, downstream: Int.min)
        for index in batch.outputs.indices {
            let branch = batch.outputs[index].branch
            guard batch.outputs[index].frame != nil else { return false }
            if batch.outputs[index].direction == .upstream {
                if branch < latest.upstream { return false }
                latest.upstream = branch
            } else {
                if branch < latest.downstream { return false }
                latest.downstream = branch
            }
        }
        summary.batches += 1
        return true
    }

    /// The releases of two sessions for the next batches of one number; nil for a session that has none of it.
    public mutating func releases(_ left: RecordedBatch?, _ right: RecordedBatch?) -> Item? {
        switch (left, right) {
        case (nil, nil): return nil
        case (let left?, nil):
            summary.leftOnly += 1
            return .leftOnly(left)
        case (nil, let right?):
            summary.rightOnly += 1
            return .rightOnly(right)
        case (let left?, let right?):
            if let item = leaveOut(left) ?? leaveOut(right) { return item }
            let comparison = BatchComparison(left, right)
            for batch in [left, right] {
                summary.unknownFrames += Int64(batch.releases.count - batch.recordedRelease.count)
            }
            summary.add(comparison)
            return .compared(comparison)
        }
    }

    private mutating func leaveOut(_ batch: RecordedBatch) -> Item? {
        if batch.inbound == nil {
            summary.withoutHead += 1
            return .withoutHead(batch)
        }
        if batch.outcome == nil {
            summary.open += 1
            return .open(batch)
        }
        return nil
    }
}

/// Two streams of batches, each in ascending order of batch, joined by number.
///
/// Batches correspond by their number in the stage, not by what opened them: the numbers are what people see in both
/// sessions, and a frame that only one session took shows as such from there on.
public struct BatchPairs {
    private let nextLeft: () throws -> RecordedBatch?
    private let nextRight: () throws -> RecordedBatch?
    private var left: RecordedBatch?
    private var right: RecordedBatch?
    private var hasBegun = false

    public init(
        _ nextLeft: @escaping () throws -> RecordedBatch?, _ nextRight: @escaping () throws -> RecordedBatch?
    ) {
        self.nextLeft = nextLeft
        self.nextRight = nextRight
    }

    /// The batches of the next number; nil for a side that has none of it, and nil for both at the end.
    public mutating func next() throws -> (left: RecordedBatch?, right: RecordedBatch?)? {
        if !hasBegun {
            hasBegun = true
            left = try nextLeft()
            right = try nextRight()
        }
        switch (left, right) {
        case (nil, nil): return nil
        case (let a?, let b?) where a.batch == b.batch:
            left = try nextLeft()
            right = try nextRight()
            return (a, b)
        case (let a?, let b) where b.map({ a.batch < $0.batch }) ?? true:
            left = try nextLeft()
            return (a, nil)
        default:
            let b = right
            right = try nextRight()
            return (nil, b)
        }
    }
}
