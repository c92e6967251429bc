import NIOConcurrencyHelpers

/// A processor's place in a pipeline: through it the processor pushes frames and reads the session's clock.
public final class ProcessorLink: Sendable {
    private struct State {
        var name: String?
        var node: Node?
    }

    /// The name given when the link was made; nil if none was.
    public let givenName: String?
    private let state: NIOLockedValueBox<State>

    public init(name: String? = nil) {
        givenName = name
        state = NIOLockedValueBox(State(name: name))
    }

    /// The name given, else the one under which the processor runs; nil before it first runs.
    public var name: String? { state.withLockedValue { $0.name } }

    private var node: Node? { state.withLockedValue { $0.node } }

    /// Ties the processor to its node in a session.
    ///
    /// - Returns: false if it is tied to one already.
    func attach(_ node: Node, name: String) -> Bool {
        state.withLockedValue { state in
            guard state.node == nil else { return false }
            state.name = givenName ?? name
            state.node = node
            return true
        }
    }

    /// Unties it from that node; one that is tied to another, of another session, stays.
    func detach(from node: Node) {
        state.withLockedValue { state in
            if state.node === node { state.node = nil }
        }
    }

    /// Sends a frame to the next processor (downstream) or the one before (upstream).
    ///
    /// Waits while the next one has more to do than it can take (C19); upstream never waits. What is pushed from a cancelled
    /// task is dropped and recorded if it is interruptible (C10); what is pushed when no session runs is dropped.
    public nonisolated(nonsending) func push(
        _ frame: consuming any Frame, _ direction: FrameDirection = .downstream
    ) async {
        guard let node = SessionScheduler.nodeInCall(of: self) ?? node else { return }
        if node.session.scheduler.isCurrent {
            guard let full = node.push(Parcel(frame), direction) else { return }
            if node.session.scheduler.isHome {
                await full.untilRoom()
            } else {
                await withTaskExecutorPreference(node.session.scheduler) { await full.untilRoom() }
            }
        } else {
            let parcel = Parcel(frame)
            await withTaskExecutorPreference(node.session.scheduler) {
                await node.push(parcel, direction)?.untilRoom()
            }
        }
    }

    /// Hands a frame to this processor's own node, as its neighbours do.
    func receive(_ frame: any Frame, _ direction: FrameDirection) async {
        guard let node else { return }
        await withTaskExecutorPreference(node.session.scheduler) {
            // The session may have ended on the way here.
            if !node.session.isOver { node.receive(Item(frame, direction)) }
        }
    }

    /// Whether the task does work of `external`: more of it, which would end before what it is a part of, is none of its own.
    @TaskLocal private static var isInExternalWork = false

    /// The session's clock; the system's when no session runs.
    public var clock: PipelineClock { PipelineClock(node?.session.scheduler) }

    /// Starts work that goes on after `process` has returned, on the session's executor, so that simulated time waits for it
    /// as for the processor itself; a plain `Task {}` would run elsewhere. `drain` awaits it.
    public func start(_ work: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        guard let scheduler = node?.session.scheduler else { return Task { await work() } }
        return Task(executorPreference: scheduler) { await work() }
    }

    /// Runs work whose end simulated time cannot foresee (a child process, the network): while it runs, a virtual clock
    /// stands still, and works of this kind end in the order in which they began (C18). Within other such work it is a part of it.
    public func external<Result: Sendable>(_ work: @Sendable () async throws -> Result) async rethrows -> Result {
        guard let scheduler = node?.session.scheduler, scheduler.isVirtual, !Self.isInExternalWork else {
            return try await work()
        }
        let number = await withTaskExecutorPreference(scheduler) { scheduler.beginExternal() }
        do {
            let result = try await Self.$isInExternalWork.withValue(true) { try await work() }
            await withTaskExecutorPreference(scheduler) { await scheduler.endExternal(number) }
            return result
        } catch {
            await withTaskExecutorPreference(scheduler) { await scheduler.endExternal(number) }
            throw error
        }
    }
}

extension Node {
    /// Sends on what the processor pushed from a task.
    ///
    /// - Returns: the node in which the caller has to wait for room; nil if there is some.
    fileprivate func push(_ parcel: consuming Parcel, _ direction: FrameDirection) -> Node? {
        if session.isOver { return nil }
        if parcel.isDroppedByInterruption, Task.isCancelled {
            session.report(.drop, at: place, frame: parcel, direction: direction) {
                "\(processor?.name ?? "a processor") pushed it after it was interrupted"
            }
            return nil
        }
        session.scheduler.readTimeAnew()
        let (isSystem, origin) = (parcel.isSystem, origin(of: parcel.id))
        emit(Item(parcel, direction, origin))
        return direction == .downstream && !session.isOver && !isSystem && next.isFull ? next.node : nil
    }
}
