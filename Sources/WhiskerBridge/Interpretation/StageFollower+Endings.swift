import PipelineEngine

extension StageFollower {
    /// The open batch ends as released; tells that, and drops what was not released.
    mutating func ends(unreleased: [Int], _ narrator: inout Narrator) {
        closes(unreleased, .released, "Pipecat took it from the branch and did not release it", &narrator)
        isReleased(&narrator)
    }

    /// The open batch ends by an interruption or a cancellation.
    mutating func breaksOff(_ outcome: BatchOutcome, _ detail: String, _ narrator: inout Narrator) {
        guard let batch = open else { return }
        let unreleased = batch.unreleased
        closes(unreleased, outcome, detail, &narrator)
        for index in unreleased {
            guard leftovers.count < StageFollower.rememberedNames else { break }
            var arrival = batch.outputs[index].arrival
            arrival.telling = .told(batch: batch.number, output: index, sequence: batch.outputs[index].sequence)
            leftovers.append(arrival)
        }
        for branch in 0..<branches where !batch.synced[branch] { staleFrom[branch] = batch.number }
        isOver(&narrator)
    }

    /// Drops outputs of the open batch; its last event carries the outcome.
    private mutating func closes(
        _ unreleased: [Int], _ outcome: BatchOutcome, _ detail: String, _ narrator: inout Narrator
    ) {
        guard let number = open?.number else { return }
        for (place, index) in unreleased.enumerated() {
            guard let output = open?.outputs[index] else { continue }
            open?.settle(index, as: .dropped)
            narrator.tell(.drop) {
                $0.stage = label.number
                $0.batch = number
                $0.branch = output.arrival.branch
                $0.direction = output.arrival.direction
                $0.subject = output.sequence
                $0.detail = detail
                if place == unreleased.count - 1 { $0.outcome = outcome }
            }
        }
        guard unreleased.isEmpty else { return }
        narrator.tell(.close) {
            $0.stage = label.number
            $0.batch = number
            $0.outcome = outcome
        }
    }

    /// The open batch was released: what that says about the order is counted.
    mutating func isReleased(_ narrator: inout Narrator) {
        guard let batch = open else { return }
        let wasKnown = order.order
        if !batch.isHeadless, let released = ReleasedBatch(batch), let first = order.count(released) {
            let sighting = ReleaseOrderSighting(
                stage: label, batch: batch.number, sequence: batch.outputs[first.frame].sequence,
                frame: batch.outputs[first.frame].arrival.name, expected: batch.outputs[first.expected].arrival.name)
            if orderBreaks.count < StageFollower.rememberedNames { orderBreaks.append(sighting.finding) }
        }
        if order.order == .arrival {
            for finding in orderBreaks { narrator.tell(finding) }
            orderBreaks = []
        } else if order.order == .pipeline || wasKnown != nil && order.order == nil {
            orderBreaks = []
        }
        slowestBatch = max(slowestBatch, narrator.now - batch.openedAt)
        leftovers = []
        isOver(&narrator)
    }

    private mutating func isOver(_ narrator: inout Narrator) {
        open = nil
        lastEnd = narrator.now
    }
}

extension ReleasedBatch {
    /// The frames of a batch that was released in its direction; nil when some were told before it.
    init?(_ batch: OpenBatch) {
        let released = batch.released
        guard !released.isEmpty else { return nil }
        let kept = Set(released)
        // Duplicates of what was released, and what was not, say nothing about the order.
        self.released = released
        taken = batch.taken.filter(kept.contains)
        arrived = taken.sorted { batch.outputs[$0].arrival.order < batch.outputs[$1].arrival.order }
        branches = Dictionary(uniqueKeysWithValues: released.map { ($0, batch.outputs[$0].arrival.branch) })
    }
}
