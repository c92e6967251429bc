import DequeModule

/// A processor's place in a running session: its inboxes and its neighbours.
///
/// A node has two lanes. What is synchronized waits in `inbox` and is handled one at a time, in order; what is a system frame
/// comes at once (C7, C17). Nodes are only touched in their scheduler's turn.
///
/// `@unchecked Sendable`: confined to the scheduler's turn, as above; tasks of asynchronous processors run there too.
///
/// `@exclusivity(unchecked)`, here and in what else runs for every frame: the checks took a sixth of a frame's time. None of
/// these properties is changed by code that calls out to other nodes or to processors meanwhile, except `ImmediateNode.output`,
/// which nothing can reach while its processor runs.
class Node: @unchecked Sendable {
    /// How many items an inbox takes before those who push downstream have to wait (C19). Pushing upstream never waits,
    /// so that no two nodes wait for each other.
    static let inboxCapacity = 128

    let session: SessionCore
    /// The session's. `Unmanaged`: the session holds it.
    private let scheduler: Unmanaged<SessionScheduler>
    /// nil for the session's own ends.
    let processor: (any FrameProcessor)?
    /// The branch that the node stands in, nil outside of stages.
    let place: BranchPlace?

    @exclusivity(unchecked) private(set) var next: Neighbour!
    @exclusivity(unchecked) private(set) var previous: Neighbour!

    @exclusivity(unchecked) final var inbox = UniqueDeque<Item>()
    @exclusivity(unchecked) final var systemInbox = UniqueDeque<Item>()
    @exclusivity(unchecked) var isScheduled = false
    /// How many items have left the inbox; with the items in it, how many have come.
    private var taken = 0
    /// For each InterruptionFrame in the system inbox, how many items had come before it.
    private var interruptionMarks: Deque<Int> = []
    private var nodesWaitingForSpace: [Node] = []
    private var tasksWaitingForSpace: [CheckedContinuation<Void, Never>] = []

    init(session: SessionCore, processor: (any FrameProcessor)?, place: BranchPlace?) {
        self.session = session
        scheduler = .passUnretained(session.scheduler)
        self.processor = processor
        self.place = place
    }

    /// Makes two nodes neighbours.
    static func connect(_ previous: Node, _ next: Node) {
        previous.next = Neighbour(next)
        next.previous = Neighbour(previous)
    }

    // MARK: - Taking in

    /// Takes an item from a neighbour.
    func receive(_ item: consuming Item) {
        if item.isSystem {
            if interruptsItself, item.role == .interruption { interruptionMarks.append(taken + inbox.count) }
            systemInbox.append(item)
        } else {
            inbox.append(item)
        }
        if !isScheduled { scheduler._withUnsafeGuaranteedRef { $0.schedule(self) } }
    }

    /// Takes back a fence of this node's from the end of a branch.
    func receiveBack(_ fence: Fence, from branch: Int, _ direction: FrameDirection) {}

    /// Takes what came out of a branch of this node.
    func receiveOutput(_ item: consuming Item, from branch: Int) {}

    // MARK: - Running

    final func runScheduled() {
        isScheduled = false
        run()
    }

    /// The mark of the release with which the frame of this id came, if the processor handles it now and has to push it itself.
    func origin(of id: Int64) -> FrameOrigin { .none }

    /// Handles what is in the inboxes, as far as it can be handled now.
    func run() {}

    // MARK: - Passing on

    /// Sends an item to the neighbour in its direction.
    final func forward(_ item: consuming Item) {
        if session.isOver { return }
        if item.direction == .downstream { next.receive(item) } else { previous.receive(item) }
    }

    /// Sends on a frame that this node makes itself.
    final func emit(_ frame: consuming any Frame, _ direction: FrameDirection) { emit(Item(frame, direction)) }

    /// Sends on what this node's processor pushed. A frame that is merely forwarded keeps the mark of the release with which it
    /// came (`origin`).
    final func emit(_ item: consuming Item) {
        if session.isOver { return }
        switch item.role {
        case .sync:
            session.report(
                .anomaly, at: place, frame: item.parcel, direction: item.direction, processor: processor?.name
            ) {
                "\(self.processor?.name ?? "a processor") pushed a SyncFrame of its own; it was dropped"
            }
            return
        case .interruption: place?.stage.interruptionPushed(item.id, by: self)
        default: break
        }
        forward(item)
    }

    /// Reports that the processor threw, and tells it upstream (C11).
    final func fail(_ error: any Error, handling frame: Parcel?) {
        let name = processor?.name ?? "processor"
        let message = String(describing: error)
        session.report(.error, at: place, frame: frame, processor: name) { message }
        emit(ErrorFrame(error: message, processor: name), .upstream)
    }

    // MARK: - Room (C19)

    /// Whether those who push downstream into this node have to wait.
    var isFull: Bool { inbox.count >= Self.inboxCapacity }

    /// Runs `node` again when there is room here.
    final func scheduleWhenRoom(_ node: Node) { nodesWaitingForSpace.append(node) }

    final nonisolated(nonsending) func untilRoom() async {
        while isFull { await withCheckedContinuation { tasksWaitingForSpace.append($0) } }
    }

    /// Takes the next synchronized item out, and lets those who wait for room go on.
    final func takeFromInbox() -> Item? {
        guard let item = inbox.popFirst() else { return nil }
        taken += 1
        if inbox.count == Self.inboxCapacity / 2 { announceRoom() }
        return item
    }

    private func announceRoom() {
        for node in nodesWaitingForSpace { session.scheduler.schedule(node) }
        nodesWaitingForSpace.removeAll()
        for task in tasksWaitingForSpace { task.resume() }
        tasksWaitingForSpace.removeAll()
    }

    // MARK: - Interruption and the end

    /// Whether the node takes its own interruption when an InterruptionFrame reaches it. Inside a stage the stage
    /// interrupts all nodes of a batch at one moment, so that none is interrupted in a later batch (C10).
    final var interruptsItself: Bool { place == nil }

    /// What an interruption or a cancellation means for the node itself when it comes by, outside of stages.
    final func endOwnWork(for role: FrameType.Role) {
        guard interruptsItself else { return }
        switch role {
        case .interruption: interrupt(by: nil)
        case .cancel: cancel()
        default: break
        }
    }

    /// Drops what an interruption drops, and cancels interruptible work (C10), but not the call that asks for it.
    func interrupt(by interrupter: Node?) {
        // What came after the interruption, and waits only because it was not yet handled, is not its business.
        let mark = interruptsItself && interrupter == nil ? interruptionMarks.popFirst() : nil
        let before = mark.map { max(0, $0 - taken) } ?? inbox.count
        dropFromInbox(
            first: before, { $0.isDroppedByInterruption }, "interrupted before \(processor?.name ?? "it") took it")
    }

    /// Drops all frames and cancels all work: the session was cancelled. Fences go on, for somebody waits for them.
    func cancel() {
        dropFromInbox(first: inbox.count, { !$0.isFence }, "cancelled before \(processor?.name ?? "it") took it")
    }

    /// Ends what runs for this node; the session is over.
    func stop() {
        inbox.removeAll()
        systemInbox.removeAll()
        announceRoom()
    }

    /// Removes items from among the first `count` of the inbox; frames are recorded as dropped.
    private func dropFromInbox(
        first count: Int, _ isDropped: (borrowing Item) -> Bool, _ reason: @autoclosure () -> String
    ) {
        guard inbox.indices.prefix(count).contains(where: { isDropped(inbox[$0]) }) else { return }
        let reason = reason()
        var dropped: [(parcel: Parcel, direction: FrameDirection)] = []
        // All go round once; those that stay join the end again.
        for index in inbox.indices {
            let item = inbox.removeFirst()
            guard index < count, isDropped(item) else {
                inbox.append(item)
                continue
            }
            taken += 1
            if let parcel = item.parcel { dropped.append((parcel, item.direction)) }
        }
        for (parcel, direction) in dropped {
            session.report(.drop, at: dropPlace, frame: parcel, direction: direction) { reason }
        }
        announceRoom()
    }

    /// The place under which a frame dropped from the inbox is recorded.
    var dropPlace: BranchPlace? { place }

    /// The processor that holds up a fence in this node; nil if the node has nothing to do.
    var holder: String? { inbox.isEmpty ? nil : processor?.name }
}

/// A branch of a stage, as the place where something happens.
struct BranchPlace {
    unowned let stage: StageNode
    let branch: Int
}
