public import PipelineEngine

/// A frame in its place in the release of a batch, and where it came from.
public struct PlacedFrame: Sendable {
    public var direction: FrameDirection
    /// Counts from 0 in batch and direction.
    public var position: Int
    /// The branch that put it out, -1 for a frame that the stage itself added.
    public var branch: Int
    /// Its index within batch and branch, -1 where there is none.
    public var emission: Int
    public var frame: any Frame

    public init(
        direction: FrameDirection, position: Int, branch: Int = -1, emission: Int = -1, frame: any Frame
    ) {
        self.direction = direction
        self.position = position
        self.branch = branch
        self.emission = emission
        self.frame = frame
    }
}

extension RecordedBatch {
    /// What left with this batch, in the order in which it left.
    ///
    /// A release whose frame the recording does not have is not among them.
    public var recordedRelease: [PlacedFrame] {
        let bySequence = Dictionary(outputs.map { ($0.sequence, $0) }) { first, _ in first }
        return releases.compactMap { release in
            let output = bySequence[release.subject]
            // An EndFrame that every branch swallowed is released as it came in (C9).
            let swallowed = release.subject == inbound?.sequence ? inbound?.frame : nil
            guard let frame = release.frame ?? output?.frame ?? swallowed else { return nil }
            return PlacedFrame(
                direction: release.direction ?? output?.direction ?? .downstream, position: release.position,
                branch: output?.branch ?? release.branch, emission: output?.emission ?? -1, frame: frame)
        }
    }

    /// What the recorded outputs come to in the given order (C4, and C9 for the batch of an EndFrame or StopFrame): all of
    /// them but the dropped ones, whichever order the stage had.
    public func release(in order: FrameOrder) -> [PlacedFrame] {
        let dropped = Set(incidents.lazy.filter { $0.kind == .drop }.map(\.subject))
        let candidates = outputs.compactMap { output -> ReleaseCandidate? in
            guard let frame = output.frame, !dropped.contains(output.sequence) else { return nil }
            return ReleaseCandidate(event: output, frame: frame)
        }
        let isReleased = outcome != .cancelled && outcome != .failed
        guard isReleased, let inbound, let frame = inbound.frame,
            let closing = ClosingFrame(frame, inbound.direction ?? .downstream)
        else { return place(candidates, ReleaseOrder.arrange(candidates, order)) }
        let release = ReleaseOrder.arrange(candidates, order, closing: closing)
        var placed = place(candidates, release.placements)
        if release.isSwallowed {
            placed.append(
                PlacedFrame(direction: closing.direction, position: release.closingPosition, frame: frame))
        }
        return placed
    }

    private func place(
        _ candidates: [ReleaseCandidate], _ placements: [ReleaseOrder.Placement]
    ) -> [PlacedFrame] {
        placements.compactMap { placement in
            guard placement.duplicateOf == nil else { return nil }
            let winner = candidates[placement.output]
            return PlacedFrame(
                direction: winner.outputDirection, position: placement.position, branch: winner.outputBranch,
                emission: winner.event.emission, frame: winner.frame)
        }
    }
}

/// A recorded output with what the order of a release depends on.
private struct ReleaseCandidate: ReleasableOutput {
    let event: SessionEvent
    let frame: any Frame

    var outputBranch: Int { event.branch }
    var outputDirection: FrameDirection { event.direction ?? .downstream }
    var outputFrameID: Int64 { frame.id }
    var outputType: FrameType { frame.type }
}
