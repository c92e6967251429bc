public import PipelineEngine
public import SessionHistory

/// Compares what sessions released, stage by stage and batch by batch: the two orders of one session, or the releases of two.
///
/// Reads each session once, in bounded memory, however long. Of one session only what the order depends on is read; the
/// content of frames only for the batches that are given out.
public struct SessionDiff {
    private let history: History
    private let session: Int64
    private let other: Int64?
    /// The stages that are compared: those of the (left) session.
    public let stages: [SessionDefinition.Stage]
    /// How many batches may wait for their content.
    private static let pendingLimit = 256

    /// ARRIVAL against PIPELINE of `session`, or its releases against those of `other`.
    public init(_ history: History, session: Int64, other: Int64? = nil) throws {
        self.history = history
        self.session = session
        self.other = other
        var stages = try history.definition(of: session).stages
        if let other {
            // What only the other session has is compared with nothing.
            stages += try history.definition(of: other).stages.dropFirst(stages.count)
        }
        self.stages = stages
    }

    /// Compares one stage.
    ///
    /// - Parameters:
    ///   - batches: only these.
    ///   - progress: is told the number of batches read so far.
    ///   - take: is given what differs and what is left out, in the order of the batches, with the content of frames. Return
    ///     false to be given no more; the summary still covers all.
    public func compare(
        stage: Int, batches: ClosedRange<Int64>? = nil, progress: (Int64) -> Void = { _ in },
        _ take: (StageComparison.Item) throws -> Bool
    ) throws -> ComparisonSummary {
        if let other {
            return try compare(with: other, stage: stage, batches: batches, progress: progress, take)
        }
        var comparison = StageComparison()
        var reader = try reader(session, .order, stage, batches)
        var pending: [Pending] = []
        var wantsMore = true
        var count: Int64 = 0
        while let batch = try reader.next() {
            count += 1
            progress(count)
            if comparison.passes(batch) { continue }
            let item = comparison.orders(of: batch)
            guard wantsMore, item.isNoteworthy else { continue }
            pending.append(Pending(batch: batch.batch, item: item))
            if pending.count < Self.pendingLimit { continue }
            wantsMore = try give(pending, stage: stage, take)
            pending.removeAll(keepingCapacity: true)
        }
        if wantsMore { _ = try give(pending, stage: stage, take) }
        return comparison.summary
    }

    /// An item whose frames have no content yet.
    private struct Pending {
        let batch: Int64
        let item: StageComparison.Item
    }

    /// Gives out what waits, with the content of its frames.
    private func give(
        _ pending: [Pending], stage: Int, _ take: (StageComparison.Item) throws -> Bool
    ) throws -> Bool {
        guard let first = pending.first, let last = pending.last else { return true }
        var waiting = pending[...]
        var reader = try reader(session, .full, stage, first.batch...last.batch)
        while let next = waiting.first, let batch = try reader.next() {
            guard batch.batch == next.batch else { continue }
            waiting.removeFirst()
            var single = StageComparison()
            if try !take(single.orders(of: batch)) { return false }
        }
        return true
    }

    private func compare(
        with other: Int64, stage: Int, batches: ClosedRange<Int64>?, progress: (Int64) -> Void,
        _ take: (StageComparison.Item) throws -> Bool
    ) throws -> ComparisonSummary {
        var comparison = StageComparison()
        var left = try reader(session, .full, stage, batches)
        var right = try reader(other, .full, stage, batches)
        var pairs = BatchPairs({ try left.next() }, { try right.next() })
        var wantsMore = true
        var count: Int64 = 0
        while let pair = try pairs.next() {
            count += 1
            progress(count)
            guard let item = comparison.releases(pair.left, pair.right) else { continue }
            if wantsMore, item.isNoteworthy { wantsMore = try take(item) }
        }
        return comparison.summary
    }

    private func reader(
        _ session: Int64, _ content: History.Content, _ stage: Int, _ batches: ClosedRange<Int64>?
    ) throws -> BatchReader {
        var pages = try history.events(of: session, content: content, stage: stage, batches: batches)
        return BatchReader { try pages.next() }
    }
}

extension StageComparison.Item {
    /// Whether there is anything to say about it.
    fileprivate var isNoteworthy: Bool {
        if case .compared(let comparison) = self { return comparison.differs }
        return true
    }
}
