import DequeModule

/// The node of a processor that may wait: each lane takes its items one after the other, called by a `ProcessorCaller`.
final class AsyncNode: Node, @unchecked Sendable {  // confined like every node
    private let synchronized = Lane(isSystem: false)
    private let system = Lane(isSystem: true)
    /// The processor's, by which it is known which node a frame is pushed from.
    let link: ProcessorLink

    init(session: SessionCore, asynchronous processor: any FrameProcessor, place: BranchPlace?) {
        link = processor.link
        super.init(session: session, processor: processor, place: place)
        synchronized.node = self
        system.node = self
    }

    override func run() {
        if !systemInbox.isEmpty { system.start(in: session.scheduler) }
        if !inbox.isEmpty { synchronized.start(in: session.scheduler) }
    }

    override func interrupt(by interrupter: Node?) {
        super.interrupt(by: interrupter)
        if interrupter !== self || Lane.isSystemLane { synchronized.interrupt() }
    }

    override func cancel() {
        super.cancel()
        synchronized.cancel()
    }

    override func origin(of id: Int64) -> FrameOrigin {
        if synchronized.origin != .none, synchronized.frameID == id { return synchronized.origin }
        return system.frameID == id ? system.origin : .none
    }

    override var holder: String? { synchronized.isBusy || !inbox.isEmpty ? processor?.name : nil }

    fileprivate func hasItems(system: Bool) -> Bool { system ? !systemInbox.isEmpty : !inbox.isEmpty }

    fileprivate func take(system: Bool) -> Item? { system ? systemInbox.popFirst() : takeFromInbox() }

    // `nonisolated(nonsending)`, here and on the way of what a processor pushes: a call that stays where it is costs no switch.
    fileprivate nonisolated(nonsending) func handle(_ item: consuming Item) async {
        guard let processor else { return }
        if !item.isFence {
            let direction = item.direction
            guard let parcel = item.takeParcel() else { return }
            session.scheduler.nodeInCall = .passUnretained(self)
            if parcel.role != .ordinary { endOwnWork(for: parcel.role) }
            do { try await processor.process(parcel.frame, direction: direction) } catch {
                if !Task.isCancelled { fail(error, handling: parcel) }
            }
            return
        }
        if item.fence.drains {
            do { try await processor.drain() } catch {
                if !Task.isCancelled { fail(error, handling: nil) }
            }
        }
        forward(item)
    }
}

/// One of a node's two lines of work.
///
/// `@unchecked Sendable`: confined to the scheduler's turn, like its node.
final class Lane: @unchecked Sendable {
    /// Whether the running task calls a system lane: one that interrupts does not thereby end itself.
    @TaskLocal static var isSystemLane = false

    /// `unowned(unsafe)`: it holds the lane, and the session holds it for as long as anything runs.
    unowned(unsafe) fileprivate var node: AsyncNode!
    private let isSystem: Bool
    // `@exclusivity(unchecked)`: as in `Node`.
    /// Who makes the lane's calls now. `unowned(unsafe)`: it runs meanwhile.
    @exclusivity(unchecked) private unowned(unsafe) var caller: ProcessorCaller?
    /// Whether it waits for a caller, or has one.
    @exclusivity(unchecked) private var isStarted = false
    /// Whether a call is under way, and whether an interruption ends it.
    @exclusivity(unchecked) private(set) var isBusy = false
    @exclusivity(unchecked) private var isInterruptible = false
    /// The id of the frame of that call, 0 if there is none.
    @exclusivity(unchecked) private(set) var frameID: Int64 = 0
    /// The mark of the release with which it came.
    @exclusivity(unchecked) private(set) var origin = FrameOrigin.none

    init(isSystem: Bool) { self.isSystem = isSystem }

    /// Lets the lane take what has come.
    func start(in scheduler: SessionScheduler) {
        if isStarted { return }
        isStarted = true
        scheduler.putInLine(self)
    }

    /// Handles what waits, until nothing does, or it is others' turn, or the caller was cancelled.
    nonisolated(nonsending) func run(by caller: ProcessorCaller) async {
        self.caller = caller
        guard let node else { return }
        if isSystem {
            await Lane.$isSystemLane.withValue(true) { await handleItems(of: node, caller) }
        } else {
            await handleItems(of: node, caller)
        }
        self.caller = nil
        isStarted = false
        // A processor that cancels the task which calls it has cancelled a call of its own, and not those of others.
        if Task.isCancelled { caller.cancel() }
        // Left undone: what it may not call any more, or what came while it was cancelled.
        if node.hasItems(system: isSystem), !node.session.isOver { node.session.scheduler.schedule(node) }
    }

    private nonisolated(nonsending) func handleItems(of node: AsyncNode, _ caller: ProcessorCaller) async {
        while node.hasItems(system: isSystem), caller.takesOneMore(), let item = node.take(system: isSystem) {
            frameID = item.id
            origin = item.origin
            isInterruptible = item.isFence || item.isDroppedByInterruption
            isBusy = true
            await node.handle(item)
            isBusy = false
            frameID = 0
        }
    }

    /// Cancels interruptible work under way; the lane goes on when it returns.
    func interrupt() {
        if isBusy, isInterruptible { caller?.cancel() }
    }

    /// Ends the call under way.
    func cancel() { caller?.cancel() }
}
