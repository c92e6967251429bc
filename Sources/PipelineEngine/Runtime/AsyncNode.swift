import DequeModule

/// The node of a processor that may wait: each lane takes its items one after the other, called by a `ProcessorCaller`.
final class AsyncNode: Node, @unchecked Sendable {  // confined like every node
    private lazy var synchronized = Lane(node: self, isSystem: false)
    private lazy var system = Lane(node: self, isSystem: true)

    override func run() {
        if !systemInbox.isEmpty { system.start() }
        if !inbox.isEmpty { synchronized.start() }
    }

    override func interrupt(by interrupter: Node?) {
        super.interrupt(by: interrupter)
        if interrupter !== self || Lane.isSystemLane { synchronized.interrupt() }
    }

    override func cancel() {
        super.cancel()
        synchronized.cancel()
    }

    override func stop() {
        super.stop()
        synchronized.cancel()
        system.cancel()
    }

    override func origin(of id: Int64) -> FrameOrigin { synchronized.origin(of: id) ?? system.origin(of: id) ?? .none }

    override var holder: String? { synchronized.isBusy || !inbox.isEmpty ? processor?.name : nil }

    fileprivate func take(system: Bool) -> Item? { system ? systemInbox.popFirst() : takeFromInbox() }

    // `nonisolated(nonsending)`, here and on the way of what a processor pushes: a call that stays where it is costs no switch.
    fileprivate nonisolated(nonsending) func handle(_ item: consuming Item) async {
        guard let processor else { return }
        if let parcel = item.parcel {
            let direction = item.direction
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

    /// `unowned(unsafe)`: the node holds the lane, and the session the node for as long as anything runs.
    private unowned(unsafe) let node: AsyncNode
    private let isSystem: Bool
    // `@exclusivity(unchecked)`: as in `Node`.
    /// Who makes the lane's calls now.
    @exclusivity(unchecked) private var caller: ProcessorCaller?
    @exclusivity(unchecked) private var isInLine = false
    /// The frame of the call under way; nil for a fence.
    @exclusivity(unchecked) private var parcel: Parcel?
    /// The mark of the release with which it came.
    @exclusivity(unchecked) private var origin = FrameOrigin.none
    /// Whether a call is under way.
    @exclusivity(unchecked) private(set) var isBusy = false

    init(node: AsyncNode, isSystem: Bool) {
        self.node = node
        self.isSystem = isSystem
    }

    /// Lets the lane take what has come.
    func start() {
        if isInLine || caller != nil { return }
        isInLine = true
        node.session.scheduler.putInLine(self)
    }

    /// Handles what waits, until nothing does or the caller was cancelled.
    nonisolated(nonsending) func run(by caller: ProcessorCaller) async {
        isInLine = false
        self.caller = caller
        let node = node
        if isSystem {
            await Lane.$isSystemLane.withValue(true) { await handleItems(of: node, caller) }
        } else {
            await handleItems(of: node, caller)
        }
        self.caller = nil
        // Cancelled while it handled an item: what has come meanwhile goes to another caller.
        if caller.isCancelled, !node.session.isOver { node.session.scheduler.schedule(node) }
    }

    private nonisolated(nonsending) func handleItems(of node: AsyncNode, _ caller: ProcessorCaller) async {
        while !caller.isCancelled, let item = node.take(system: isSystem) {
            parcel = item.parcel
            origin = item.origin
            isBusy = true
            await node.handle(item)
            isBusy = false
            parcel = nil
        }
    }

    /// The mark of the release with which the frame of this id came, if it is handled now and has one.
    func origin(of id: Int64) -> FrameOrigin? { parcel?.id == id && origin != .none ? origin : nil }

    /// Cancels interruptible work under way; the lane goes on when it returns.
    func interrupt() {
        if isBusy, parcel?.isDroppedByInterruption ?? true { caller?.cancel() }
    }

    /// Ends the call under way.
    func cancel() { caller?.cancel() }
}
