import PipelineEngine

extension StageFollower {
    /// The open batch has ended as released; tells that, and drops what was not released.
    mutating func ends(unreleased: [Int], _ narrator: inout Narrator) {
        // That nothing more came shows only later.
        let now = narrator.now
        narrator.now = max(lastSync, open?.lastReleaseAt ?? 0, open?.openedAt ?? 0)
        closes(unreleased, .released, "Pipecat took it from the branch and did not release it", &narrator)
        isReleased(&narrator)
        narrator.now = now
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
    /// The frames of a batch that left in its direction, each once; nil where there are none.
    ///
    /// A frame that came out of several branches is told apart by the first of its outputs, whichever was released: which
    /// one that was depends on the very order that is looked for.
    init?(_ batch: OpenBatch) {
        guard !batch.released.isEmpty else { return nil }
        func frame(_ index: Int) -> Int {
            let arrival = batch.outputs[index].arrival
            return batch.outputs(of: arrival.key, arrival.direction).first ?? index
        }
        func once(_ indices: [Int]) -> [Int] {
            var seen: Set<Int> = []
            return indices.map(frame).filter { seen.insert($0).inserted }
        }
        // What was not released says nothing about the order, nor does an EndFrame that Pipecat loses.
        let left = Set(batch.released.map(frame))
        let outputs = batch.taken.filter { left.contains(frame($0)) && !batch.lostEnds.contains($0) }
        released = batch.released.map(frame)
        taken = once(outputs)
        arrived = once(outputs.sorted { batch.outputs[$0].arrival.order < batch.outputs[$1].arrival.order })
        let places = outputs.enumerated().sorted { left, right in
            let branches = (
                batch.outputs[left.element].arrival.branch, batch.outputs[right.element].arrival.branch
            )
            return branches.0 == branches.1 ? left.offset < right.offset : branches.0 < branches.1
        }
        byBranch = once(places.map(\.element))
    }
}
