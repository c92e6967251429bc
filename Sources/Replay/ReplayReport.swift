public import PipelineEngine
public import SessionHistory

/// What a rerun of a session came to.
public struct ReplayReport: Sendable {
    /// How the releases of a rerun compare with those recorded; the raw values are those of the history.
    public enum Verdict: String, Sendable, CaseIterable {
        /// Frame for frame those recorded.
        case same
        /// Others.
        case different
        /// The rerun did not get to the end.
        case failed
    }

    /// Where a rerun first departs from what was expected.
    public struct Difference: Sendable {
        public var batch: Int64
        public var direction: FrameDirection
        public var position: Int
        /// nil: nothing was to be released any more.
        public var expected: PlacedFrame?
        /// nil: nothing more was released.
        public var actual: PlacedFrame?
    }

    /// One stage of the rerun.
    public struct Stage: Sendable {
        public var stage: Int
        public var name: String
        /// The order that the stage was run in.
        public var order: FrameOrder
        /// Whether that is the order it was recorded in; nil if that is not known.
        public var isRecordedOrder: Bool?
        /// Batches compared with the recording.
        public var batches: Int64 = 0
        /// Those whose release is not the recorded one.
        public var differing: Int64 = 0
        /// Those whose release is not what C4 gives for their recorded outputs in this order, though the recorded release is
        /// in the recorded one. (That of a Pipecat bot often is not.)
        public var unexplained: Int64 = 0
        /// Batches left out because the recording lacks their beginning.
        public var withoutHead: Int64 = 0
        /// Batches left out because they had not ended when the recording did.
        public var open: Int64 = 0
        /// The first difference from the recording.
        public var firstDifference: Difference?
        /// The first difference from what C4 gives.
        public var firstUnexplained: Difference?
    }

    public var order: RecordedOrder
    public var stages: [Stage]
    /// The number under which the history keeps the run, nil if it does not.
    public var replay: Int64?

    public var differingBatches: Int64 { stages.reduce(0) { $0 + $1.differing } }

    public var verdict: Verdict { differingBatches == 0 ? .same : .different }

    /// Whether the run is as it must be: in the recorded order the recorded releases, in another order those that C4 gives.
    public var isFaithful: Bool {
        stages.allSatisfy { $0.unexplained == 0 && ($0.isRecordedOrder != true || $0.differing == 0) }
    }

    /// Whether all runs are as they must be. A stage whose recorded order is not known has to come back in one of them, if
    /// both orders were run.
    public static func areFaithful(_ reports: [ReplayReport]) -> Bool {
        guard reports.allSatisfy(\.isFaithful) else { return false }
        let unknown = Set(reports.flatMap(\.stages).filter { $0.isRecordedOrder == nil }.map(\.stage))
        return unknown.allSatisfy { number in
            let runs = reports.flatMap(\.stages).filter { $0.stage == number }
            return Set(runs.map(\.order)).count < 2 || runs.contains { $0.differing == 0 }
        }
    }
}

extension ReplayReport.Stage {
    /// Counts a batch and compares it.
    ///
    /// - Parameter recordedOrder: nil where it is not known.
    mutating func add(_ batch: StageRerun.Batch, recordedOrder: FrameOrder?) {
        let recorded = batch.recorded
        if recorded.inbound == nil {
            withoutHead += 1
            return
        }
        if recorded.outcome == nil {
            open += 1
            return
        }
        batches += 1
        let actual = batch.rerun?.recordedRelease ?? []
        let released = recorded.recordedRelease
        if let difference = Self.difference(recorded.batch, expected: released, actual: actual) {
            differing += 1
            firstDifference = firstDifference ?? difference
        }
        guard
            let difference = Self.difference(recorded.batch, expected: recorded.release(in: order), actual: actual)
        else { return }
        let isLawful = (recordedOrder.map { [$0] } ?? FrameOrder.allCases).contains { order in
            Self.difference(recorded.batch, expected: recorded.release(in: order), actual: released) == nil
        }
        if isLawful {
            unexplained += 1
            firstUnexplained = firstUnexplained ?? difference
        }
    }

    private static func difference(
        _ batch: Int64, expected: [PlacedFrame], actual: [PlacedFrame]
    ) -> ReplayReport.Difference? {
        for index in 0..<max(expected.count, actual.count) {
            let (left, right) = (expected.at(index), actual.at(index))
            if let left, let right, left.isSamePlacement(as: right) { continue }
            guard let place = left ?? right else { continue }
            return ReplayReport.Difference(
                batch: batch, direction: place.direction, position: place.position, expected: left, actual: right)
        }
        return nil
    }
}

extension PlacedFrame {
    /// Whether the same frame stands in the same place, from the same branch.
    fileprivate func isSamePlacement(as other: PlacedFrame) -> Bool {
        frame.id == other.frame.id && branch == other.branch && direction == other.direction
            && position == other.position
    }
}

extension Array {
    fileprivate func at(_ index: Int) -> Element? { index < count ? self[index] : nil }
}
