internal import PipelineEngine

/// Plays a recorded stage's events into its rerun, one by one.
///
/// `@unchecked Sendable`: confined to the session's executor, where `StageRerun` creates and uses it.
final class RecordingPlayer: @unchecked Sendable {
    private let session: PipelineSession
    private let clock: PipelineClock
    private let branches: [RecordedBranch]
    private let isOutermost: Bool
    private let pairing: BatchPairing
    private let pace: (@Sendable (Int64) async throws -> Void)?

    /// The batch played last.
    private var batch: (number: Int64, frame: Int64, recordedAt: Int64, acceptedAt: Int64)?
    /// The frames whose SyncFrame each branch holds, by batch.
    private var owed: [[Int64: Int64]]
    /// System frames that came from outside lately: a recording of Pipecat's has the copies that its branches let out among
    /// their outputs, and the engine swallows them before they get so far.
    private var passedIDs = RecentIDs()
    /// Whether the recording shows that the stage was interrupted, but not yet by which frame.
    private var owesInterruption = false
    private var recordedDrops = 0
    private var lastTime: Int64 = 0
    /// Whether the engine ended the session: by a fatal error, as the recorded one was.
    private var isOver = false

    init(
        session: PipelineSession, branches: [RecordedBranch], isOutermost: Bool, pairing: BatchPairing,
        pace: (@Sendable (Int64) async throws -> Void)?
    ) {
        self.session = session
        clock = session.clock
        self.branches = branches
        self.isOutermost = isOutermost
        self.pairing = pairing
        self.pace = pace
        owed = Array(repeating: [:], count: branches.count)
    }

    /// Does what the event says was done to the stage; nothing for what the stage did itself.
    func play(_ event: SessionEvent) async throws {
        if isOver { return }
        do { try await perform(event) } catch let error as PipelineError where error.code == .notRunning {
            isOver = true
        }
    }

    private func perform(_ event: SessionEvent) async throws {
        lastTime = max(lastTime, event.time)
        if owesInterruption, event.kind != .drop {
            owesInterruption = false
            if !endsBatches(event) { try await interrupt(by: InterruptionFrame(), .downstream) }
        }
        switch event.kind {
        case .inbound: try await accept(event)
        case .output, .late: try await push(event)
        case .bypass where isBelated(event): break
        case .bypass: event.branch < 0 ? try await pass(event) : try await push(event)
        case .sync: try await giveBack(event)
        case .drop where event.subject != 0:
            recordedDrops += 1
            try await wait(until: due(event))
            owesInterruption = pairing.drops < recordedDrops
        case .drop, .release, .duplicate, .stall, .error, .anomaly, .close: break
        }
    }

    /// Lets the rest happen that the recording saw the end of.
    func finish() async throws {
        try await wait(until: lastTime)
        try await settle()
    }

    // MARK: - From outside

    private func accept(_ event: SessionEvent) async throws {
        guard let frame = event.frame else { return }
        try await completeBatch()
        try await wait(until: event.time)
        for branch in branches { branch.forgetUntaken() }
        batch = (event.batch, frame.id, event.time, clock.now)
        for index in owed.indices { owed[index][event.batch] = frame.id }
        pairing.expect(event.batch)
        try await session.send(frame, event.direction ?? .downstream)
    }

    /// Makes the branches give back what the recording does not say when they gave it back, since the next frame was
    /// accepted: a recording of Pipecat's may have lost it.
    private func completeBatch() async throws {
        guard let batch else { return }
        try await settle()
        guard pairing.hasOpenBatch else { return }
        for index in branches.indices {
            // What a branch holds of earlier batches (C12) comes before what it owes to this one.
            for number in owed[index].keys.sorted() where number <= batch.number {
                if let frame = owed[index].removeValue(forKey: number) { branches[index].giveBack(frame) }
            }
        }
        try await settle()
    }

    private func pass(_ event: SessionEvent) async throws {
        guard let frame = event.frame else { return }
        // The session sends its own.
        if frame.type.isKind(of: StartFrame.frameType) { return }
        try await wait(until: event.time)
        passedIDs.insert(frame.id)
        let direction = event.direction ?? .downstream
        if endsBatches(event) {
            try await interrupt(by: frame, direction)
        } else {
            try await session.send(frame, direction)
        }
    }

    private func interrupt(by frame: any Frame, _ direction: FrameDirection) async throws {
        try await session.send(frame, direction)
        try await settle()
        recordedDrops = pairing.drops
    }

    /// Whether the event is a system frame from outside that ends the stage's batch at the moment at which it passes.
    private func endsBatches(_ event: SessionEvent) -> Bool {
        guard event.kind == .bypass, event.branch < 0, let type = event.frame?.type else { return false }
        return type.isKind(of: CancelFrame.frameType)
            || isOutermost && type.isKind(of: InterruptionFrame.frameType)
    }

    /// Whether the event is an interruption that took effect before it passed, at a moment of which no event tells: one
    /// born in a branch interrupts when it is pushed, and one that comes to an inner stage did when it came to the outer
    /// one. What it dropped shows when that was.
    private func isBelated(_ event: SessionEvent) -> Bool {
        guard event.kind == .bypass, let type = event.frame?.type else { return false }
        return type.isKind(of: InterruptionFrame.frameType) && (event.branch >= 0 || !isOutermost)
    }

    // MARK: - From the branches

    private func push(_ event: SessionEvent) async throws {
        guard let frame = event.frame, branches.indices.contains(event.branch) else { return }
        // Outputs of a batch whose beginning the recording lacks have no batch to go to.
        if event.kind == .output, event.batch != batch?.number { return }
        if event.kind != .bypass, !frame.type.frameClass.isSynchronized, passedIDs.contains(frame.id) { return }
        try await wait(until: due(event))
        await branches[event.branch].link.push(frame, event.direction ?? .downstream)
    }

    private func giveBack(_ event: SessionEvent) async throws {
        guard branches.indices.contains(event.branch),
            let frame = owed[event.branch].removeValue(forKey: event.batch)
        else { return }
        try await wait(until: due(event))
        branches[event.branch].giveBack(frame)
    }

    // MARK: - Time

    /// As long after the batch's acceptance as it was recorded.
    private func due(_ event: SessionEvent) -> Int64 {
        guard let batch else { return event.time }
        return batch.acceptedAt + (event.time - batch.recordedAt)
    }

    private func wait(until time: Int64) async throws {
        if let pace, let link = branches.first?.link { try await link.external { try await pace(time) } }
        // Also when the time has come already: returns when the engine has done what it can at this moment.
        try await clock.sleep(until: max(time, clock.now))
    }

    private func settle() async throws { try await clock.sleep(until: clock.now) }
}

/// The latest ids of many.
struct RecentIDs {
    private var ids: [Int64] = []
    private var next = 0
    private static let capacity = 64

    mutating func insert(_ id: Int64) {
        if ids.count < Self.capacity {
            ids.append(id)
        } else {
            ids[next] = id
            next = (next + 1) % Self.capacity
        }
    }

    func contains(_ id: Int64) -> Bool { ids.contains(id) }
}
