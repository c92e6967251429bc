/// What all nodes of a running session share: its scheduler, its ends, and the report of what happens.
///
/// `@unchecked Sendable`: touched in the scheduler's turn only, but for `scheduler`, which does not change.
final class SessionCore: @unchecked Sendable {
    let scheduler: SessionScheduler
    private let observer: (any SessionObserver)?
    @exclusivity(unchecked) private(set) var lastSequence: Int64 = 0
    /// Every node, the ends included: holds them, as they hold the core, until the session is over.
    var nodes: [Node] = []
    var stages: [StageNode] = []
    /// The first and last node: where frames come in and leave.
    @exclusivity(unchecked) var head: EndNode!
    @exclusivity(unchecked) var tail: EndNode!
    /// Whether the session has ended; nothing runs afterwards.
    @exclusivity(unchecked) private(set) var isOver = false

    init(scheduler: SessionScheduler, observer: (any SessionObserver)?) {
        self.scheduler = scheduler
        self.observer = observer
    }

    /// Whether anybody is told what happens.
    var isObserved: Bool { observer != nil }

    /// Tells the observer an event, with the next sequence number, which it returns: 0 when nobody observes.
    @discardableResult
    func report(
        _ kind: SessionEvent.Kind, stage: Int, batch: Int64 = 0, branch: Int = -1, direction: FrameDirection? = nil,
        emission: Int = -1, arrival: Int = -1, position: Int = -1, subject: Int64 = 0, frame: Parcel? = nil,
        processor: String? = nil, outcome: BatchOutcome? = nil, detail: (() -> String)? = nil
    ) -> Int64 {
        guard let observer, !isOver else { return 0 }
        lastSequence += 1
        // Made where it is passed on, so that it is moved and not copied.
        observer.observe(
            SessionEvent(
                sequence: lastSequence, time: scheduler.eventTime, kind: kind, stage: stage, batch: batch,
                branch: branch,
                direction: direction, emission: emission, arrival: arrival, position: position, subject: subject,
                parcel: frame, detail: detail?(), processor: processor, outcome: outcome))
        return lastSequence
    }

    /// Reports an event at a branch, in the batch that is open there; at no stage where `place` is nil.
    func report(
        _ kind: SessionEvent.Kind, at place: BranchPlace?, frame: Parcel?, direction: FrameDirection? = nil,
        processor: String? = nil, detail: () -> String
    ) {
        guard isObserved, !isOver else { return }
        let text = detail()
        report(
            kind, stage: place?.stage.number ?? -1, batch: place?.stage.openBatch ?? 0, branch: place?.branch ?? -1,
            direction: direction, frame: frame, processor: processor, detail: { text })
    }

    var isCongested: Bool { observer?.isCongested ?? false }

    func waitWhileCongested() async { await observer?.waitWhileCongested() }

    /// Ends what runs for the nodes. Nothing runs afterwards.
    func stop() {
        if isOver { return }
        isOver = true
        for node in nodes { node.stop() }
        scheduler.forgetNodes()
        nodes = []
        stages = []
        head = nil
        tail = nil
    }
}

/// One end of a pipeline: frames enter the session here, and those that come out are given to whoever listens.
final class EndNode: Node, @unchecked Sendable {  // confined like every node
    private let deliver: (any Frame, FrameDirection, FrameOrigin) -> Void
    private var awaitedFences: [Int64: [CheckedContinuation<Void, Never>]] = [:]
    private var arrivedFences: Set<Int64> = []
    private var isStopped = false

    init(session: SessionCore, deliver: @escaping (any Frame, FrameDirection, FrameOrigin) -> Void) {
        self.deliver = deliver
        super.init(session: session, processor: nil, place: nil)
    }

    override func receive(_ item: consuming Item) {
        if !item.isFence {
            let (direction, origin) = (item.direction, item.origin)
            if let parcel = item.takeParcel() { deliver(parcel.frame, direction, origin) }
            return
        }
        arrivedFences.insert(item.fence.number)
        for waiting in awaitedFences.removeValue(forKey: item.fence.number) ?? [] { waiting.resume() }
    }

    /// Returns when the fence of this number has arrived here, or the session is over.
    func untilFence(_ number: Int64) async {
        if isStopped || arrivedFences.contains(number) { return }
        await withCheckedContinuation { awaitedFences[number, default: []].append($0) }
    }

    override func stop() {
        super.stop()
        isStopped = true
        for waiting in awaitedFences.values.joined() { waiting.resume() }
        awaitedFences.removeAll()
    }
}
