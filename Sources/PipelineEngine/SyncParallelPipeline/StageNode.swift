import DequeModule

/// A stage in a running session: sends each frame into the branches, waits for their SyncFrames, releases (C3).
///
/// What decides is `SyncBarrier`; this is what carries the decisions out and reports them.
final class StageNode: Node, @unchecked Sendable {  // confined like every node
    let number: Int
    private let frameOrder: FrameOrder
    private let stallTimeout: Int64
    private let stallPolicy: StallPolicy

    /// The nodes of each branch, source and sink included.
    @exclusivity(unchecked) var branches: [BranchNodes] = [] {
        didSet { entrances = branches.map(\.entrance) }
    }
    @exclusivity(unchecked) private var entrances: [BranchEntrance] = []
    @exclusivity(unchecked) private var barrier: SyncBarrier
    @exclusivity(unchecked) private var release: BatchRelease
    @exclusivity(unchecked) private var passing = PassingSystemFrames()
    /// The ids of the last interruptions that were born in a branch.
    private var bornInterruptions: [Int64] = []

    /// The open batch's frame.
    @exclusivity(unchecked) private var inbound: BatchRelease.Inbound?
    private var acceptedAt: Int64 = 0
    private var isStallTimerSet = false
    private var isStallReported = false

    // `@exclusivity(unchecked)`, here and above: as in `Node`.
    @exclusivity(unchecked) private var start = StartPhase.none
    private var isEnded = false
    private var isCancelled = false

    /// Where the stage is with a StartFrame (C8).
    private enum StartPhase {
        case none
        /// Branches have yet to give back the fence behind it; system frames born meanwhile come out after it.
        case underWay(Parcel, missing: Int, born: [(parcel: Parcel, branch: Int)])
    }

    init(session: SessionCore, stage: SyncParallelPipeline, number: Int, place: BranchPlace?) {
        self.number = number
        frameOrder = stage.frameOrder
        stallTimeout = stage.stallTimeout
        stallPolicy = stage.stallPolicy
        barrier = SyncBarrier(branches: stage.branches.count)
        release = BatchRelease(stage: number)
        super.init(session: session, processor: stage, place: place)
    }

    /// The number of the open batch, 0 if none is.
    var openBatch: Int64 { barrier.isOpen ? barrier.batch : 0 }

    override var dropPlace: BranchPlace? { BranchPlace(stage: self, branch: -1) }

    // MARK: - Taking in

    override func run() {
        if case .underWay = start {
            // Nothing overtakes a StartFrame but the end of everything.
            guard systemInbox.indices.contains(where: { systemInbox[$0].role == .cancel }) else { return }
            start = .none
        }
        while let item = systemInbox.popFirst() {
            takeSystem(item)
            if case .underWay = start { return }
        }
        while !barrier.isOpen, !inbox.isEmpty {
            if next.isFull, inbox[0].direction == .downstream {
                next.node.scheduleWhenRoom(self)
                return
            }
            guard let item = takeFromInbox() else { return }
            if item.isFence { forward(item) } else { accept(item) }
        }
    }

    private func takeSystem(_ item: consuming Item) {
        guard let parcel = item.parcel else { return forward(item) }
        let direction = item.direction
        switch parcel.role {
        case .start where direction == .downstream:
            start = .underWay(parcel, missing: branches.count, born: [])
            sendPast(parcel, direction)
            return
        case .interruption where interruptsItself: interrupt(by: nil)
        case .cancel: cancel()
        default: break
        }
        // It is pushed on before the branches see it, so that no branch can delay it (C7).
        session.report(.bypass, stage: number, direction: direction, frame: parcel)
        forward(Item(parcel, direction, passed(by: -1)))
        sendPast(parcel, direction)
    }

    /// The mark of a frame that passed outside of batches.
    private func passed(by branch: Int) -> FrameOrigin {
        FrameOrigin(stage: number, batch: 0, branch: branch, position: -1)
    }

    /// Sends a system frame through the branches, with a fence that tells when its copies are all back.
    private func sendPast(_ parcel: Parcel, _ direction: FrameDirection) {
        let fence = Fence(number: passing.add(parcel.id, copies: branches.count), isSystem: true, drains: false)
        for entrance in entrances { entrance.enter(parcel, direction, before: fence) }
    }

    private func accept(_ item: consuming Item) {
        let direction = item.direction
        guard let parcel = item.takeParcel() else { return }
        if isEnded || isCancelled {
            let reason = "refused: it came after the " + (isEnded ? "EndFrame" : "session was cancelled")
            session.report(.drop, stage: number, direction: direction, frame: parcel) { reason }
            return
        }
        let batch = barrier.open()
        let sequence =
            session.isObserved
            ? session.report(.inbound, stage: number, batch: batch, direction: direction, frame: parcel) : 0
        inbound = (parcel, direction, sequence)
        acceptedAt = session.scheduler.eventTime
        isStallReported = false
        setStallTimer()
        // The SyncFrame, as what it is inside the runtime: it cannot be swallowed, copied or overtaken (C6).
        let sync = Fence(number: batch, isSystem: false, drains: true)
        for entrance in entrances { entrance.enter(parcel, direction, before: sync) }
    }

    // MARK: - Branches giving back

    override func receiveOutput(_ item: consuming Item, from branch: Int) {
        let direction = item.direction
        guard let parcel = item.takeParcel() else { return }
        if parcel.isSystem {
            if !passing.contains(parcel.id) { passOn(parcel, direction, born: branch) }
            return
        }
        if isCancelled || isEnded {
            let reason = isCancelled ? "the session was cancelled" : "it came after the EndFrame"
            session.report(.drop, stage: number, branch: branch, direction: direction, frame: parcel) { reason }
            return
        }
        if barrier.isInterrupted, parcel.isDroppedByInterruption {
            session.report(
                .drop, stage: number, batch: barrier.batch, branch: branch, direction: direction, frame: parcel
            ) { "its batch was interrupted" }
            return
        }
        let batch = barrier.currentBatch
        let (emission, arrival) = barrier.nextPlace(in: branch)
        guard session.isObserved else {
            _ = barrier.output(parcel, direction, from: branch)
            return
        }
        let decision = barrier.output(parcel, direction, from: branch)
        barrier.recordedLatestOutput(
            as: session.report(
                decision == .late ? .late : .output, stage: number, batch: batch, branch: branch,
                direction: direction, emission: emission, arrival: arrival, frame: parcel))
    }

    /// Pushes on a system frame that was born in a branch (C7).
    private func passOn(_ parcel: Parcel, _ direction: FrameDirection, born branch: Int) {
        if case .underWay(let startParcel, let missing, var born) = start, direction == .downstream {
            born.append((parcel, branch))
            start = .underWay(startParcel, missing: missing, born: born)
            return
        }
        session.report(.bypass, stage: number, branch: branch, direction: direction, frame: parcel)
        emit(Item(parcel, direction, passed(by: branch)))
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
            if session.isObserved {
                session.report(.sync, stage: number, batch: fence.number, branch: branch, direction: direction)
            }
            if decision == .complete { finish(barrier.isInterrupted ? .interrupted : .released) }
        }
    }

    private func startPassed(_ fence: Fence) {
        guard case .underWay(let parcel, let missing, let born) = start else { return }
        if missing > 1 {
            start = .underWay(parcel, missing: missing - 1, born: born)
            return
        }
        start = .none
        session.report(.bypass, stage: number, direction: .downstream, frame: parcel)
        forward(Item(parcel, .downstream, passed(by: -1)))
        for (parcel, branch) in born { passOn(parcel, .downstream, born: branch) }
        session.scheduler.schedule(self)
    }

    // MARK: - Release

    /// Ends the open batch: releases its outputs (C4), or drops them when it was cancelled or failed.
    private func finish(_ outcome: BatchOutcome) {
        guard let inbound else { return }
        let batch = barrier.batch
        barrier.close(into: &release.outputs)
        self.inbound = nil
        if outcome == .cancelled || outcome == .failed {
            release.drop(because: "its batch ended as \(outcome.rawValue)")
        } else {
            release.arrange(frameOrder, of: inbound)
            if inbound.parcel.role == .end { isEnded = true }
        }
        // Everything is recorded before anything is pushed: what the next stage records comes after.
        release.report(to: session, batch: batch, outcome)
        release.push(from: self, batch: batch)
        release.clear()
        if !inbox.isEmpty || !systemInbox.isEmpty { session.scheduler.schedule(self) }
    }

    // MARK: - Interruption (C10) and cancellation (C9)

    /// A processor in a branch of this stage pushed an interruption; one that merely passes through the branch changes
    /// nothing, for the stage was interrupted when it came.
    func interruptionPushed(_ id: Int64, by node: Node) {
        // Every processor on its way out pushes it again; only its birth interrupts.
        if passing.contains(id) || bornInterruptions.contains(id) { return }
        if bornInterruptions.count == 16 { bornInterruptions.removeFirst() }
        bornInterruptions.append(id)
        interrupt(by: node)
    }

    override func interrupt(by interrupter: Node?) {
        super.interrupt(by: interrupter)
        if let inbound, !inbound.parcel.type.isInterruptible { return }
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
            .drop, stage: number, batch: barrier.currentBatch, branch: output.branch, direction: output.direction,
            subject: output.sequence
        ) { reason }
    }

    override func stop() {
        super.stop()
        inbound = nil
    }

    // MARK: - Stalls (C12)

    /// One timer serves batch after batch: it is set for the batch that was open when it last rang.
    private func setStallTimer() {
        // Behind the latest deadline it never rings.
        guard !isStallTimerSet, stallTimeout < SessionScheduler.latestDeadline - acceptedAt else { return }
        isStallTimerSet = true
        session.scheduler.schedule(at: acceptedAt + stallTimeout) { [self] in stallTimerRang() }
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
