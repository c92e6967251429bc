/// What a batch's end does, collected before any of it is reported or pushed, so that its last event can say the outcome.
///
/// Its buffers serve batch after batch.
struct BatchRelease {
    /// The frame that opened the batch.
    typealias Inbound = (parcel: Parcel, direction: FrameDirection, sequence: Int64)

    private let stage: Int
    /// The outputs of the batch that ends, in the order of their arrival.
    var outputs: [SyncBarrier.Output] = []
    private var placements: [ReleaseOrder.Placement] = []
    private var drops: [(output: SyncBarrier.Output, reason: String)] = []
    /// The EndFrame or StopFrame of the batch, when no branch gave it back.
    private var swallowed: (inbound: Inbound, position: Int)?

    init(stage: Int) { self.stage = stage }

    /// Drops all outputs: their batch was cancelled or failed.
    mutating func drop(because reason: String) {
        swallowed = nil
        placements.removeAll(keepingCapacity: true)
        drops = outputs.map { ($0, reason) }
    }

    /// Puts the outputs in the order of their release (C4), the EndFrame or StopFrame that opened the batch last (C9).
    mutating func arrange(_ order: FrameOrder, of inbound: Inbound) {
        swallowed = nil
        if !drops.isEmpty { drops.removeAll() }
        guard let closing = ClosingFrame(inbound.parcel, inbound.direction) else {
            ReleaseOrder.arrange(outputs, order, into: &placements)
            return
        }
        let release = ReleaseOrder.arrange(outputs, order, closing: closing)
        placements = release.placements
        drops = release.dropped.map { (outputs[$0], "exactly one \(closing.type) leaves a stage, last") }
        if release.isSwallowed { swallowed = (inbound, release.closingPosition) }
    }

    /// Reports every event of the release, in order.
    ///
    /// `mutating`, as `push`, so that it works in place: otherwise the call copies the whole release first.
    mutating func report(to session: SessionCore, batch: Int64, _ outcome: BatchOutcome) {
        guard session.isObserved else { return }
        reportCollisions(to: session, batch: batch)
        var remaining = drops.count + placements.count + (swallowed == nil ? 0 : 1)
        if remaining == 0 {
            session.report(.close, stage: stage, batch: batch, outcome: outcome)
            return
        }
        // The outcome stands on the last event.
        let stage = stage
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
            report(
                placement.duplicateOf == nil ? .release : .duplicate, outputs[placement.output].branch,
                outputs[placement.output].direction, position: placement.position,
                subject: outputs[placement.output].sequence)
        }
        if let (inbound, position) = swallowed {
            report(.release, -1, inbound.direction, position: position, subject: inbound.sequence)
        }
    }

    /// Pushes what is released on from the stage, in order.
    mutating func push(from node: Node, batch: Int64) {
        for placement in placements where placement.duplicateOf == nil {
            let origin = FrameOrigin(
                stage: stage, batch: batch, branch: outputs[placement.output].branch, position: placement.position)
            node.forward(Item(outputs[placement.output].parcel, outputs[placement.output].direction, origin))
        }
        if let (inbound, position) = swallowed {
            let origin = FrameOrigin(stage: stage, batch: batch, branch: -1, position: position)
            node.forward(Item(inbound.parcel, inbound.direction, origin))
        }
    }

    /// Lets go of the frames.
    mutating func clear() {
        outputs.removeAll(keepingCapacity: true)
        swallowed = nil
    }

    /// Frames that share an id but differ are deduplicated all the same, and said (C16).
    private func reportCollisions(to session: SessionCore, batch: Int64) {
        for placement in placements {
            guard let winner = placement.duplicateOf.map({ outputs[$0] }) else { continue }
            let other = outputs[placement.output]
            let (frame, released) = (other.parcel.frame, winner.parcel.frame)
            if frame.hasSameContent(as: released) { continue }
            session.report(
                .anomaly, stage: stage, batch: batch, branch: other.branch, direction: other.direction,
                subject: other.sequence
            ) {
                "id collision: \(frame.name) of branch \(other.branch) and \(released.name) of branch "
                    + "\(winner.branch) share id \(frame.id) but differ; only the latter is released"
            }
        }
    }
}
