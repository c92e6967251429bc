import DequeModule

/// A stage in a running session: sends each frame into the branches, waits for their SyncFrames, releases (C3).
///
/// What decides is `SyncBarrier`; this is what carries the decisions out and reports them.
final class StageNode: Node, @unchecked Sendable {
    let number: Int
    private let frameOrder: FrameOrder
    private let stallTimeout: Int64
    private let stallPolicy: StallPolicy

    /// The nodes of each branch, source and sink included.
    var branches: [BranchNodes] = []
    private var barrier: SyncBarrier
    private var passing = PassingSystemFrames()
    /// The ids of the last interruptions that were born in a branch.
    private var bornInterruptions: [Int64] = []

    /// The open batch's frame.
    private var inbound: BatchRelease.Inbound?
    private var acceptedAt: Int64 = 0
    private var isStallTimerSet = false
    private var isStallReported = false

    private var start = StartPhase.none
    private var isEnded = false
    private var isCancelled = false

    /// Where the stage is with a StartFrame (C8).
    private enum StartPhase {
        case none
        /// Branches have yet to give back the fence behind it; system frames born meanwhile come out after it.
        case underWay(any Frame, FrameDirection, missing: Int, born: [(any Frame, FrameDirection, Int)])
    }

    init(session: SessionCore, stage: SyncParallelPipeline, number: Int, place: BranchPlace?) {
        self.number = number
        frameOrder = stage.frameOrder
        stallTimeout = stage.stallTimeout
        stallPolicy = stage.stallPolicy
        barrier = SyncBarrier(branches: stage.branches.count)
        super.init(session: session, processor: stage, place: place)
    }

    /// The number of the open batch, 0 if none is.
    var openBatch: Int64 { barrier.isOpen ? barrier.batch : 0 }

    override var dropPlace: BranchPlace? { BranchPlace(stage: self, branch: -1) }

    // MARK: - Taking in

    override func run() {
        if case .underWay = start {
            // Nothing overtakes a StartFrame but the end of everything.
            guard systemInbox.contains(where: { $0.isCancel }) else { return }
            start = .none
        }
        while let item = systemInbox.popFirst() {
            takeSystem(item)
            if case .underWay = start { return }
        }
        while !barrier.isOpen, let item = inbox.first {
            if item.direction == .downstream, next.isFull {
                next.scheduleWhenRoom(self)
                return
            }
            _ = takeFromInbox()
            switch item {
            case .fence: forward(item)
            case .frame(let frame, let direction, _): accept(frame, direction)
            }
        }
    }

    private func takeSystem(_ item: Item) {
        guard case .frame(let frame, let direction, _) = item else { return forward(item) }
        switch frame.type.role {
        case .start where direction == .downstream:
            start = .underWay(frame, direction, missing: branches.count, born: [])
            sendPast(frame, direction)
            return
        case .interruption where interruptsItself: interrupt(by: nil)
        case .cancel: cancel()
        default: break
        }
        // It is pushed on before the branches see it, so that no branch can delay it (C7).
        session.report(.bypass, stage: number, direction: direction, frame: frame)
        forward(.frame(frame, direction, FrameOrigin(stage: number, batch: 0, branch: -1, position: -1)))
        sendPast(frame, direction)
    }

    /// Sends a system frame through the branches, with a fence that tells when its copies are all back.
    private func sendPast(_ frame: any Frame, _ direction: FrameDirection) {
        let fence = Fence(
            owner: self, number: passing.add(frame.header.id, copies: branches.count), isSystem: true, drains: false)
        for branch in branches {
            branch.enter(.frame(frame, direction, nil), direction)
            branch.enter(.fence(fence, direction), direction)
        }
    }

    private func accept(_ frame: any Frame, _ direction: FrameDirection) {
        if isEnded || isCancelled {
            let reason = "refused: it came after the " + (isEnded ? "EndFrame" : "session was cancelled")
            session.report(.drop, stage: number, direction: direction, frame: frame) { reason }
            return
        }
        let batch = barrier.open()
        let sequence = session.report(.inbound, stage: number, batch: batch, direction: direction, frame: frame)
        inbound = (frame, direction, sequence)
        acceptedAt = session.scheduler.now
        isStallReported = false
        setStallTimer()
        // The SyncFrame, as what it is inside the runtime: it cannot be swallowed, copied or overtaken (C6).
        let sync = Fence(owner: self, number: batch, isSystem: false, drains: true)
        for branch in branches {
            branch.enter(.frame(frame, direction, nil), direction)
            branch.enter(.fence(sync, direction), direction)
        }
    }

    // MARK: - Branches giving back

    override func receiveOutput(
        _ frame: any Frame, from branch: Int, _ direction: FrameDirection, _ origin: FrameOrigin?
    ) {
        if frame.type.frameClass == .system {
            if !passing.contains(frame.header.id) { passOn(frame, born: branch, direction) }
            return
        }
        if isCancelled || isEnded {
            let reason = isCancelled ? "the session was cancelled" : "it came after the EndFrame"
            session.report(.drop, stage: number, branch: branch, direction: direction, frame: frame) { reason }
            return
        }
        if barrier.isInterrupted, frame.type.isInterruptible {
            session.report(
                .drop, stage: number, batch: barrier.batch, branch: branch, direction: direction, frame: frame
            ) { "its batch was interrupted" }
            return
        }
        let batch = barrier.currentBatch
        let decision = barrier.output(frame, from: branch, direction)
        guard session.isObserved, let output = barrier.outputs.last else { return }
        barrier.recordedLatestOutput(
            as: session.report(
                decision == .late ? .late : .output, stage: number, batch: batch, branch: branch,
                direction: direction, emission: output.emission, arrival: output.arrival, frame: frame))
    }

    /// Pushes on a system frame that was born in a branch (C7).
    private func passOn(_ frame: any Frame, born branch: Int, _ direction: FrameDirection) {
        if case .underWay(let startFrame, let startDirection, let missing, var born) = start, direction == .downstream {
            born.append((frame, direction, branch))
            start = .underWay(startFrame, startDirection, missing: missing, born: born)
            return
        }
        session.report(.bypass, stage: number, branch: branch, direction: direction, frame: frame)
        emit(frame, direction, FrameOrigin(stage: number, batch: 0, branch: branch, position: -1))
    }

    override func receiveBack(_ fence: Fence, from branch: Int, _ direction: FrameDirection) {
        if fence.isSystem {
            passing.passed(fence.number)
            startPassed(fence)
            return
        }
        if isCancelled { return }
        let decision = barrier.sync(of: fence.number, from: branch)
        switch decision {
        case .stray:
            session.report(.anomaly, stage: number, batch: fence.number, branch: branch, direction: direction) {
                "a SyncFrame of batch \(fence.number) that the branch does not owe; it was dropped"
            }
        case .waiting, .overdue, .complete:
            session.report(.sync, stage: number, batch: fence.number, branch: branch, direction: direction)
            if decision == .complete { finish(barrier.isInterrupted ? .interrupted : .released) }
        }
    }

    private func startPassed(_ fence: Fence) {
        guard case .underWay(let frame, let direction, let missing, let born) = start else { return }
        if missing > 1 {
            start = .underWay(frame, direction, missing: missing - 1, born: born)
            return
        }
        start = .none
        session.report(.bypass, stage: number, direction: direction, frame: frame)
        forward(.frame(frame, direction, FrameOrigin(stage: number, batch: 0, branch: -1, position: -1)))
        for (frame, direction, branch) in born { passOn(frame, born: branch, direction) }
        session.scheduler.schedule(self)
    }

    // MARK: - Release

    /// Ends the open batch: releases its outputs (C4), or drops them when it was cancelled or failed.
    private func finish(_ outcome: BatchOutcome) {
        guard let inbound else { return }
        let batch = barrier.batch
        let outputs = barrier.close()
        self.inbound = nil
        var release = BatchRelease(session: session, stage: number, batch: batch, outcome: outcome)
        if outcome == .cancelled || outcome == .failed {
            release.drop(outputs, because: "its batch ended as \(outcome.rawValue)")
        } else {
            release.arrange(outputs, frameOrder, of: inbound)
        }
        // Everything is recorded before anything is pushed: what the next stage records comes after.
        let pushes = release.report()
        if inbound.frame.type.role == .end, outcome != .cancelled { isEnded = true }
        for push in pushes { forward(push) }
        session.scheduler.schedule(self)
    }

    // MARK: - Interruption (C10) and cancellation (C9)

    /// A processor in a branch of this stage pushed an interruption; one that merely passes through the branch changes
    /// nothing, for the stage was interrupted when it came.
    func interruptionPushed(_ frame: any Frame, by node: Node) {
        let id = frame.header.id
        // Every processor on its way out pushes it again; only its birth interrupts.
        if passing.contains(id) || bornInterruptions.contains(id) { return }
        if bornInterruptions.count == 16 { bornInterruptions.removeFirst() }
        bornInterruptions.append(id)
        interrupt(by: node)
    }

    override func interrupt(by interrupter: Node?) {
        super.interrupt(by: interrupter)
        if let inbound, !inbound.frame.type.isInterruptible { return }
        let isNew = barrier.isOpen && !barrier.isInterrupted
        for output in barrier.interrupt() { reportDrop(output, "its batch was interrupted") }
        if isNew || !barrier.isOpen {
            for branch in branches { for node in branch.nodes { node.interrupt(by: interrupter) } }
        }
    }

    override func cancel() {
        guard !isCancelled else { return }
        isCancelled = true
        super.cancel()
        for branch in branches { for node in branch.nodes { node.cancel() } }
        if barrier.isOpen { finish(.cancelled) }
    }

    private func reportDrop(_ output: SyncBarrier.Output, _ reason: String) {
        session.report(
            .drop, stage: number, batch: barrier.batch, branch: output.branch, direction: output.direction,
            subject: output.sequence, frame: output.sequence == 0 ? output.frame : nil
        ) { reason }
    }

    override func stop() {
        super.stop()
        inbound = nil
    }

    // MARK: - Stalls (C12)

    /// One timer serves batch after batch: it is set for the batch that was open when it last rang.
    private func setStallTimer() {
        guard !isStallTimerSet else { return }
        isStallTimerSet = true
        session.scheduler.schedule(at: acceptedAt + stallTimeout) { [weak self] in self?.stallTimerRang() }
    }

    private func stallTimerRang() {
        isStallTimerSet = false
        guard barrier.isOpen, !isStallReported, !session.isOver else { return }
        guard session.scheduler.now - acceptedAt >= stallTimeout else { return setStallTimer() }
        isStallReported = true
        let missing = barrier.missing
        var sentences: [String] = []
        for branch in missing {
            let holder = branches[branch].holder ?? "no processor"
            let sentence =
                "branch \(branch) has not given its SyncFrame back in \(stallTimeout / 1_000_000) ms; "
                + "\(holder) holds the frame"
            sentences.append(sentence)
            session.report(
                .stall, stage: number, batch: barrier.batch, branch: branch, processor: holder
            ) { sentence }
        }
        switch stallPolicy {
        case .wait: break
        case .release: finish(barrier.isInterrupted ? .interrupted : .released)
        case .fail:
            finish(.failed)
            cancel()
            emit(
                ErrorFrame(error: sentences.joined(separator: "; "), processor: processor?.name ?? "", fatal: true),
                .upstream)
        }
    }

    override var holder: String? {
        if barrier.isOpen {
            for branch in barrier.missing {
                if let holder = branches[branch].holder { return holder }
            }
            return processor?.name
        }
        return super.holder
    }
}
