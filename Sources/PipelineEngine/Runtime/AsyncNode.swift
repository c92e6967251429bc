import DequeModule

/// The node of a processor that may wait: each lane is a task that takes its items one after the other.
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

    /// The mark of the release with which the frame of this id came, if the processor handles it now.
    func origin(of id: Int64) -> FrameOrigin {
        for lane in [synchronized, system] {
            if let current = lane.current, current.origin != .none, current.id == id {
                return current.origin
            }
        }
        return .none
    }

    override var holder: String? { synchronized.current != nil || !inbox.isEmpty ? processor?.name : nil }

    fileprivate func take(system: Bool) -> Item? { system ? systemInbox.popFirst() : takeFromInbox() }

    // `nonisolated(nonsending)`, here and on the way of what a processor pushes: a call that stays where it is costs no switch.
    fileprivate nonisolated(nonsending) func handle(_ item: Item) async {
        guard let processor else { return }
        if let parcel = item.parcel {
            if item.role != .ordinary { endOwnWork(for: item.role) }
            do { try await processor.process(parcel.frame, direction: item.direction) } catch {
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
private final class Lane: @unchecked Sendable {
    /// Whether the running task is a system lane: one that interrupts does not thereby end itself.
    @TaskLocal static var isSystemLane = false

    private unowned let node: AsyncNode
    private let isSystem: Bool
    private(set) var current: Item?
    private var task: Task<Void, Never>?
    private var idle: CheckedContinuation<Void, Never>?

    init(node: AsyncNode, isSystem: Bool) {
        self.node = node
        self.isSystem = isSystem
    }

    /// Lets the lane take what has come.
    func start() {
        if let idle {
            self.idle = nil
            idle.resume()
        } else if task == nil {
            // The task ends with the session, which cancels it; the node lives as long.
            let node = node
            task = Task(executorPreference: node.session.scheduler) {
                await FrameIdentity.$current.withValue(node.session.scheduler.identity) {
                    await Lane.$isSystemLane.withValue(self.isSystem) { await self.run() }
                }
            }
        }
    }

    private nonisolated(nonsending) func run() async {
        while !Task.isCancelled {
            guard let item = node.take(system: isSystem) else {
                await withCheckedContinuation { idle = $0 }
                continue
            }
            current = item
            await node.handle(item)
            current = nil
        }
        // Cancelled while it handled an item: what has come meanwhile goes to a fresh task.
        task = nil
        if !node.session.isOver { node.session.scheduler.schedule(node) }
    }

    /// Cancels interruptible work under way; the lane goes on when it returns.
    func interrupt() {
        guard let current else { return }
        if current.isDroppedByInterruption || current.isFence { task?.cancel() }
    }

    /// Ends the lane.
    func cancel() {
        task?.cancel()
        if let idle {
            self.idle = nil
            idle.resume()
        }
    }
}
