/// What a batch's end does, collected before any of it is reported or pushed, so that its last event can say the outcome.
struct BatchRelease {
    private let session: SessionCore
    private let stage: Int
    private let batch: Int64
    private let outcome: BatchOutcome

    private var outputs: [SyncBarrier.Output] = []
    private var placements: [ReleaseOrder.Placement] = []
    private var drops: [(output: SyncBarrier.Output, reason: String)] = []
    /// The EndFrame or StopFrame of the batch, when no branch gave it back.
    private var swallowed: (inbound: Inbound, position: Int)?

    typealias Inbound = (frame: any Frame, direction: FrameDirection, sequence: Int64)

    init(session: SessionCore, stage: Int, batch: Int64, outcome: BatchOutcome) {
        self.session = session
        self.stage = stage
        self.batch = batch
        self.outcome = outcome
    }

    mutating func drop(_ outputs: [SyncBarrier.Output], because reason: String) {
        for output in outputs { drops.append((output, reason)) }
    }

    mutating func arrange(_ outputs: [SyncBarrier.Output], _ order: FrameOrder, of inbound: Inbound) {
        self.outputs = outputs
        guard let closing = ClosingFrame(inbound.frame, inbound.direction) else {
            placements = ReleaseOrder.arrange(outputs, order)
            return
        }
        let release = ReleaseOrder.arrange(outputs, order, closing: closing)
        placements = release.placements
        drop(release.dropped.map { outputs[$0] }, because: "exactly one \(closing.type) leaves a stage, last")
        if release.isSwallowed { swallowed = (inbound, release.closingPosition) }
    }

    /// Reports every event of the release, in order, and returns what is to be pushed.
    func report() -> [Item] {
        var pushes: [Item] = []
        pushes.reserveCapacity(placements.count + 1)
        if session.isObserved { reportCollisions() }
        var remaining = drops.count + placements.count + (swallowed == nil ? 0 : 1)
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
        for placement in placements {
            let output = outputs[placement.output]
            if placement.duplicateOf == nil {
                pushes.append(.frame(output.frame, output.direction, origin(output.branch, placement.position)))
            }
            report(
                placement.duplicateOf == nil ? .release : .duplicate, output.branch, output.direction,
                position: placement.position, subject: output.sequence)
        }
        if let (inbound, position) = swallowed {
            pushes.append(.frame(inbound.frame, inbound.direction, origin(-1, position)))
            report(.release, -1, inbound.direction, position: position, subject: inbound.sequence)
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
