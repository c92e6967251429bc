import PipelineEngine

extension StageFollower {
    /// The recording is over at `end`, in ns since the session's start: tells what is left, and what is wrong with it.
    ///
    /// - Parameter next: the processor behind the one that is named, in one of the branches.
    mutating func finish(
        at end: Int64, next: (_ processor: String, _ branch: Int) -> String?, _ narrator: inout Narrator
    ) {
        settle(asSystem: false, &narrator)
        if open?.allSynced == true { finishSynced(at: end, &narrator) } else { finishWaiting(at: end, next, &narrator) }
        finishQueues(at: end, &narrator)
        if order.order == .arrival { for finding in orderBreaks { narrator.tell(finding) } }
        orderBreaks = []
    }

    /// Every branch has given its SyncFrame back.
    private mutating func finishSynced(at end: Int64, _ narrator: inout Narrator) {
        guard let batch = open else { return }
        let isEndLost =
            batch.isEnd && !batch.hasReleasedEnd && !batch.isHeadless
            && (batch.expected == 0 || end - lastSync >= LostEnd.patience)
        if isEndLost {
            let lost = LostEnd(
                stage: label, batch: batch.number, sequence: batch.inbound?.sequence ?? 0,
                frame: batch.inbound?.name ?? "the EndFrame")
            narrator.tell(lost.finding)
        }
        if isEndLost || batch.expected == 0 && batch.earlier.isEmpty && (!batch.isEnd || batch.hasReleasedEnd) {
            ends(unreleased: batch.unreleased, &narrator)
        } else if !batch.isEnd {
            narrator.tell(withoutEnd(batch, missing: []).finding)
        }
    }

    /// A branch has not given its SyncFrame back.
    private mutating func finishWaiting(
        at end: Int64, _ next: (String, Int) -> String?, _ narrator: inout Narrator
    ) {
        guard let batch = open else { return }
        var missing: [RecordingGap.Missing] = []
        var findings: [Finding] = []
        for branch in (0..<branches) where !batch.synced[branch] {
            guard let marker = batch.markers[branch] else {
                missing.append(RecordingGap.Missing(branch: branch))
                continue
            }
            let sync = MissingSync(
                stage: label, batch: batch.number, branch: branch, sequence: batch.inbound?.sequence ?? 0,
                inbound: batch.inbound?.name, marker: marker, next: next(marker.processor, branch),
                elapsed: end - marker.time, slowestBatch: slowestBatch)
            missing.append(RecordingGap.Missing(branch: branch, holder: sync.holder))
            if let finding = sync.finding { findings.append(finding) }
        }
        for finding in findings { narrator.tell(finding) }
        // Whisker loses the tail of nearly every recording: that the EndFrame is under way in it is no finding.
        if findings.isEmpty, !batch.isEnd { narrator.tell(withoutEnd(batch, missing: missing).finding) }
    }

    private func withoutEnd(_ batch: OpenBatch, missing: [RecordingGap.Missing]) -> RecordingGap {
        .batchWithoutEnd(
            label, batch: batch.number, sequence: batch.inbound?.sequence ?? 0, inbound: batch.inbound?.name,
            missing: missing)
    }

    /// What came out of the branches and never left. Copies of system frames should not.
    private mutating func finishQueues(at end: Int64, _ narrator: inout Narrator) {
        let waiting = FrameDirection.allCases.flatMap { queues[$0] ?? [] }.joined()
            .filter { !$0.isCopy && !$0.isSync && !$0.isEnd }
        for arrival in waiting.sorted(by: { $0.order < $1.order }) {
            let (batch, sequence): (Int64, Int64)
            if case .told(let number, _, let told) = arrival.telling {
                // The open batch would have taken it.
                if number == open?.number, arrival.direction == open?.direction { continue }
                (batch, sequence) = (number, told)
            } else {
                batch = 0
                sequence = narrator.tell(.drop, at: arrival.time) {
                    $0.stage = label.number
                    $0.branch = arrival.branch
                    $0.direction = arrival.direction
                    $0.frame = arrival.frame
                    $0.detail = "it waited in the stage for the next batch when the recording ended"
                }
            }
            // What follows from an interruption or a missing SyncFrame is no finding of its own.
            if arrival.staleFrom > 0 || arrival.isOutOfStep { continue }
            let frame = UnreleasedFrame(
                stage: label, batch: batch, branch: arrival.branch, sequence: sequence, frame: arrival.name,
                type: arrival.frame.type, direction: arrival.direction, isLate: batch == 0,
                wasPassedOver: lastEnd >= arrival.time, elapsed: end - arrival.time)
            if let finding = frame.finding { narrator.tell(finding) }
        }
        queues = StageFollower.emptyQueues(branches)
    }
}
