/// What a batch's end does, collected before any of it is reported or pushed, so that its last event can say the outcome.
struct BatchRelease {
    private let session: SessionCore
    private let stage: Int
    private let batch: Int64
    private let outcome: BatchOutcome

    private var outputs: [SyncBarrier.Output] = []
    private var placements: [ReleaseOrder.Placement] = []
    private var drops: [(output: SyncBarrier.Output, reason: String)] = []
    private var copiesOfLast: [SyncBarrier.Output] = []
    /// The EndFrame or StopFrame of the batch, which leaves after everything else (C9).
    private var last: (frame: any Frame, direction: FrameDirection, subject: Int64, branch: Int)?

    init(session: SessionCore, stage: Int, batch: Int64, outcome: BatchOutcome) {
        self.session = session
        self.stage = stage
        self.batch = batch
        self.outcome = outcome
    }

    mutating func drop(_ outputs: [SyncBarrier.Output], because reason: String) {
        for output in outputs { drops.append((output, reason)) }
    }

    mutating func arrange(_ outputs: [SyncBarrier.Output], _ order: FrameOrder) {
        self.outputs = outputs
        placements = ReleaseOrder.arrange(outputs, order)
    }

    /// Keeps the batch's own EndFrame or StopFrame for the end, and leaves out every other of its kind.
    mutating func keepLast(
        _ inbound: (frame: any Frame, direction: FrameDirection, sequence: Int64),
        takingFrom outputs: inout [SyncBarrier.Output]
    ) {
        let role = inbound.frame.type.role
        let copy = outputs.first { $0.frame.header.id == inbound.frame.header.id && $0.direction == inbound.direction }
        last = (
            copy?.frame ?? inbound.frame, inbound.direction, copy?.sequence ?? inbound.sequence, copy?.branch ?? -1
        )
        for output in outputs where output.frame.type.role == role && output.arrival != copy?.arrival {
            if output.frame.header.id == inbound.frame.header.id, output.direction == inbound.direction {
                copiesOfLast.append(output)
            } else {
                drops.append((output, "exactly one \(inbound.frame.type.name) leaves a stage, last"))
            }
        }
        outputs.removeAll { $0.frame.type.role == role }
    }

    /// Reports every event of the release, in order, and returns what is to be pushed.
    func report() -> [Item] {
        var pushes: [Item] = []
        pushes.reserveCapacity(placements.count + 1)
        if session.isObserved { reportCollisions() }
        var remaining = drops.count + placements.count + copiesOfLast.count + (last == nil ? 0 : 1)
        if remaining == 0 {
            session.report(.close, stage: stage, batch: batch, outcome: outcome)
            return []
        }
        // The outcome stands on the last event.
        func report(
            _ kind: SessionEvent.Kind, _ branch: Int, _ direction: FrameDirection, position: Int, subject: Int64,
            _ detail: (() -> String)? = nil
        ) {
            remaining -= 1
            session.report(
                kind, stage: stage, batch: batch, branch: branch, direction: direction, position: position,
                subject: subject, outcome: remaining == 0 ? outcome : nil, detail: detail)
        }
        for (output, reason) in drops {
            report(.drop, output.branch, output.direction, position: -1, subject: output.sequence) { reason }
        }
        var released: [FrameDirection: Int] = [:]
        for placement in placements {
            let output = outputs[placement.output]
            if placement.duplicateOf == nil {
                pushes.append(.frame(output.frame, output.direction, origin(output.branch, placement.position)))
                if last != nil { released[output.direction, default: 0] += 1 }
            }
            report(
                placement.duplicateOf == nil ? .release : .duplicate, output.branch, output.direction,
                position: placement.position, subject: output.sequence)
        }
        if let last {
            let position = released[last.direction, default: 0]
            pushes.append(.frame(last.frame, last.direction, origin(last.branch, position)))
            for copy in copiesOfLast {
                report(.duplicate, copy.branch, copy.direction, position: position, subject: copy.sequence)
            }
            report(.release, last.branch, last.direction, position: position, subject: last.subject)
        }
        return pushes
    }

    private func origin(_ branch: Int, _ position: Int) -> FrameOrigin {
        FrameOrigin(stage: stage, batch: batch, branch: branch, position: position)
    }

    /// Frames that share an id but differ are deduplicated all the same, and said (C16).
    private func reportCollisions() {
        for placement in placements {
            guard let winner = placement.duplicateOf.map({ outputs[$0] }) else { continue }
            let other = outputs[placement.output]
            if other.frame.hasSameContent(as: winner.frame) { continue }
            session.report(
                .anomaly, stage: stage, batch: batch, branch: other.branch, direction: other.direction,
                subject: other.sequence
            ) {
                "id collision: \(other.frame.name) of branch \(other.branch) and \(winner.frame.name) of branch "
                    + "\(winner.branch) share id \(other.frame.header.id) but differ; only the latter is released"
            }
        }
    }
}
