import NIOConcurrencyHelpers
import Synchronization

/// One life of a pipeline: frames go in, pass its processors, come out; whatever happens is told to an observer.
///
///     let session = try PipelineSession(pipeline, observer: recorder) { print($0.frame) }
///     try await session.start()
///     try await session.send(TextFrame("hello"))
///     await session.end()
///
/// All processors run on an executor of the session's own, one at a time, unless they move elsewhere. Its methods may be
/// called from any task.
public final class PipelineSession: Sendable {
    /// Real or simulated time.
    public enum Time: Sendable {
        case real
        /// Simulated: nothing waits, and the same session gives the same events in the same order every time (C18). With a
        /// seed, what is ready at the same moment runs in another, but reproducible, order.
        case virtual(seed: UInt64? = nil)
    }

    /// How a session ended.
    public enum Ending: Sendable, Equatable {
        /// Its EndFrame came out, last.
        case ended
        /// `cancel` was called.
        case cancelled
        /// A processor or stage reported a fatal error.
        case failed(String)
    }

    /// Its stages and branches, as numbered in its events.
    public let definition: SessionDefinition
    /// Where frames made for this session get their ids: `try session.identity.use { TextFrame("hello") }`.
    public var identity: FrameIdentity { core.scheduler.identity }
    public var clock: PipelineClock { PipelineClock(core.scheduler) }

    let core: SessionCore
    private let pipeline: Pipeline
    private let places: [(processor: any FrameProcessor, node: Node, name: String)]
    /// Not `Synchronization.Mutex`, which the thread sanitizer does not know: it then reports races where there are none.
    private let state = NIOLockedValueBox(State())
    /// Whether the phase is running or ending. Changed with the state; asked for with every frame.
    private let takesFrames = Atomic(false)

    private struct State {
        enum Phase { case new, starting, running, ending, over }
        var phase = Phase.new
        var ending: Ending?
        /// Whether an EndFrame of `end` is on its way in.
        var isEndFrameMade = false
        /// Whether a fence follows what is on its way upstream at the end.
        var isUpstreamFollowed = false
        /// Whether `start` is busy with the processors; nobody cleans them up meanwhile.
        var isSettingUp = false
        /// Whether any of them may have been set up.
        var isSetUp = false
        var waitingForSetup: [CheckedContinuation<Void, Never>] = []
        var isCleanedUp = false
        var waitingForEnd: [CheckedContinuation<Void, Never>] = []
    }

    /// A session of `pipeline`, whose processors are in no other session meanwhile.
    ///
    /// - Parameters:
    ///   - observer: is told every event, on the session's executor.
    ///   - output: is given every frame that leaves the pipeline, in either direction, the moment it does, on the session's
    ///     executor: what it takes long for holds up the session.
    /// - Throws: `PipelineError` when one processor stands in two places (C1).
    public init(
        _ pipeline: Pipeline, time: Time = .real, observer: (any SessionObserver)? = nil,
        output: @escaping @Sendable (ReleasedFrame) -> Void = { _ in }
    ) throws(PipelineError) {
        let scheduler =
            switch time {
            case .real: SessionScheduler(virtual: false, seed: nil)
            case .virtual(let seed): SessionScheduler(virtual: true, seed: seed)
            }
        let core = SessionCore(scheduler: scheduler, observer: observer)
        let fatal = FatalErrorRelay()
        core.head = EndNode(session: core) { frame, direction, origin in
            output(
                ReleasedFrame(
                    frame: frame, direction: direction, origin: origin == .none ? nil : origin,
                    time: scheduler.eventTime))
            if let error = frame as? ErrorFrame, error.fatal { fatal.report?(error.error) }
        }
        core.tail = EndNode(session: core) { frame, direction, origin in
            output(
                ReleasedFrame(
                    frame: frame, direction: direction, origin: origin == .none ? nil : origin,
                    time: scheduler.eventTime))
        }
        let graph = try SessionGraph(pipeline, core: core)
        definition = SessionDefinition(stages: graph.stages)
        places = graph.places
        self.core = core
        self.pipeline = pipeline
        fatal.report = { [weak self] message in self?.fail(message) }
    }

    /// Lets the head, which is made before the session, reach it. Set once, before anything runs.
    private final class FatalErrorRelay {
        var report: ((String) -> Void)?
    }

    /// A session that nobody ended is ended as it stands, without cleaning up.
    deinit {
        let core = core
        let places = places
        Task(executorPreference: core.scheduler) {
            core.stop()
            // Otherwise processors and nodes would hold each other, and all that they hold.
            for place in places { place.processor.link.detach(from: place.node) }
        }
    }

    // MARK: - Start

    /// Sets up every processor, sends a StartFrame and returns when it has come out (C8).
    ///
    /// - Throws: `PipelineError` when a processor cannot be set up or runs in another session, or when the session is ended
    ///   meanwhile. The session is over then.
    public func start() async throws {
        let isNew = state.withLockedValue { state in
            guard state.phase == .new else { return false }
            state.phase = .starting
            state.isSettingUp = true
            return true
        }
        guard isNew else { throw PipelineError(.notRunning, "a session starts once; make a new one") }
        do {
            for (processor, node, name) in places {
                guard processor.link.attach(node, name: name) else {
                    throw PipelineError(
                        .processorUsedTwice,
                        "\(processor.name) runs in another session; make processors for each session")
                }
            }
            state.withLockedValue { $0.isSetUp = true }
            try await pipeline.setup(ProcessorSetup(clock: clock))
            setupIsOver()
        } catch {
            setupIsOver()
            await finish(.failed(String(describing: error)))
            throw error
        }
        await perform {
            // Another task may have ended the session meanwhile.
            guard self.state.withLockedValue({ $0.phase == .starting }) else { return }
            self.enter(Parcel(StartFrame()), fence: .start)
            await self.core.tail.untilFence(SessionFence.start.rawValue)
        }
        let isOver = state.withLockedValue { state in
            if state.phase == .starting {
                state.phase = .running
                takesFrames.store(true, ordering: .releasing)
            }
            return state.phase == .over
        }
        if isOver { throw PipelineError(.notRunning, "the session was ended while it started") }
    }

    private func setupIsOver() {
        let waiting = state.withLockedValue { state in
            state.isSettingUp = false
            defer { state.waitingForSetup = [] }
            return state.waitingForSetup
        }
        for waiter in waiting { waiter.resume() }
    }

    /// Returns when no processor is being set up.
    private func untilSetupIsOver() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLockedValue { state in
                if state.isSettingUp { state.waitingForSetup.append(continuation) }
                return !state.isSettingUp
            }
            if isOver { continuation.resume() }
        }
    }

    // MARK: - Frames

    /// Sends a frame into the pipeline and returns when it has been taken in: what can be done at once with it is done.
    ///
    /// Waits while the pipeline or its observer has more to do than it wants (C19); system frames wait for nothing. With
    /// simulated time, everything that can happen at this moment happens before it returns, and time stands still between
    /// calls: it passes in `send(timed:)`, in `end`, and while the pipeline is full.
    ///
    /// - Throws: `PipelineError` before `start` has returned and after the session is over.
    public nonisolated(nonsending) func send(
        _ frame: any Frame, _ direction: FrameDirection = .downstream
    ) async throws {
        if core.scheduler.isHome {
            let parcel = Parcel(frame)
            if try !takeAtOnce(parcel, direction) { try await accept(parcel, direction) }
        } else {
            try await withTaskExecutorPreference(core.scheduler) { try await accept(Parcel(frame), direction) }
        }
    }

    /// How many frames a sender of many gives in a row before others have a turn: a system frame, `cancel`, another session.
    private static let framesInARow = 32

    /// Sends frames one after the other, without going back to the caller's executor between them.
    ///
    /// - Throws: as `send`.
    public func send(contentsOf frames: some Sequence<any Frame> & Sendable) async throws {
        try await withTaskExecutorPreference(core.scheduler) {
            try await FrameIdentity.$current.withValue(identity) {
                var inARow = 0
                for frame in frames {
                    let parcel = Parcel(frame)
                    if try !takeAtOnce(parcel, .downstream) { try await accept(parcel, .downstream) }
                    inARow += 1
                    if inARow.isMultiple(of: Self.framesInARow) { await Task.yield() }
                }
            }
        }
    }

    /// Sends the frames of an asynchronous sequence, each at its time (ns since the session's start; nil: as soon as the one
    /// before was taken in), until it ends or the session does. Simulated time stands still while the sequence has the word.
    ///
    /// - Throws: what the sequence throws.
    public func send<Frames: AsyncSequence & Sendable>(timed frames: Frames) async throws
    where Frames.Element == TimedFrame {
        try await withTaskExecutorPreference(core.scheduler) {
            try await FrameIdentity.$current.withValue(identity) {
                var iterator = frames.makeAsyncIterator()
                var inARow = 0
                while true {
                    core.scheduler.hold()
                    let next: TimedFrame?
                    do { next = try await iterator.next() } catch {
                        core.scheduler.release()
                        throw error
                    }
                    core.scheduler.release()
                    guard let next, isRunning else { return }
                    if let time = next.time {
                        try await core.scheduler.passTime { try await core.scheduler.sleep(until: time) }
                    }
                    guard isRunning else { return }
                    let parcel = Parcel(next.frame)
                    if try !takeAtOnce(parcel, next.direction) { try await accept(parcel, next.direction) }
                    inARow += 1
                    if inARow.isMultiple(of: Self.framesInARow) { await Task.yield() }
                }
            }
        }
    }

    private var isRunning: Bool { takesFrames.load(ordering: .acquiring) }

    /// Takes a frame in if nothing has to be waited for: then no task is switched, which would cost more than the frame does.
    ///
    /// - Returns: false when the frame has not been taken; `accept` then is the way.
    private func takeAtOnce(_ parcel: Parcel, _ direction: FrameDirection) throws -> Bool {
        guard isRunning else { throw PipelineError(.notRunning, "the session is not running; start it first") }
        if core.scheduler.isVirtual { return false }
        if !parcel.isSystem, core.isCongested || (direction == .downstream && core.head.next.isFull) { return false }
        core.scheduler.readTimeAnew()
        take(parcel, direction)
        return true
    }

    private func accept(_ parcel: Parcel, _ direction: FrameDirection) async throws {
        try await untilAcceptable(parcel, direction)
        take(parcel, direction)
        if core.scheduler.isVirtual { await core.scheduler.untilIdle() }
    }

    /// Returns when the frame may be taken in.
    private func untilAcceptable(_ parcel: Parcel, _ direction: FrameDirection) async throws {
        guard isRunning else { throw PipelineError(.notRunning, "the session is not running; start it first") }
        let scheduler = core.scheduler
        if scheduler.isVirtual { await scheduler.untilIdle() }
        scheduler.readTimeAnew()
        if !parcel.isSystem {
            while core.isCongested {
                scheduler.hold()
                await core.waitWhileCongested()
                scheduler.release()
            }
            if direction == .downstream, core.head?.next.isFull == true {
                await scheduler.passTime { await core.head?.next.node.untilRoom() }
            }
        }
        // Another task may have ended the session meanwhile.
        if core.isOver { throw PipelineError(.notRunning, "the session ended before it took the frame in") }
    }

    /// Lets a frame enter and does what can be done at once with it.
    private func take(_ parcel: Parcel, _ direction: FrameDirection) {
        if parcel.role == .sync {
            core.report(.anomaly, at: nil, frame: parcel, direction: direction) {
                "a SyncFrame was sent into the session from outside; it was dropped"
            }
            return
        }
        if parcel.role == .end, direction == .downstream {
            let isFirst = state.withLockedValue { state in
                defer { if state.phase == .running { state.phase = .ending } }
                return state.phase == .running
            }
            if isFirst { return enter(parcel, fence: .end) }
        }
        let entry: Neighbour = direction == .downstream ? core.head.next : core.tail.previous
        entry.receive(Item(parcel, direction))
        core.scheduler.runReadyNodes()
    }

    /// The fences with which a session follows frames of its own; they come out at the tail, `upstream` at the head.
    private enum SessionFence: Int64 {
        case start = 1
        case end
        case cancel
        case upstream
    }

    private func enter(_ parcel: Parcel, fence: SessionFence) {
        core.head.next.receive(Item(parcel, .downstream))
        core.head.next.receive(
            Item(
                Fence(number: fence.rawValue, isSystem: parcel.isSystem, drains: fence == .end),
                .downstream))
        core.scheduler.runReadyNodes()
    }

    // MARK: - End

    /// How long a session that ends waits for what may never come, in ns.
    private static let patience: Int64 = 2_000_000_000

    /// Sends an EndFrame, unless one was sent, and returns when it has come out, with the synchronized frames that processors pushed upstream until then, and
    /// all processors are cleaned up (C9). Returns also when the session is cancelled or fails meanwhile.
    @discardableResult
    public func end() async -> Ending {
        if isRunning {
            await perform {
                await self.sendEndFrame()
                await self.core.tail?.untilFence(SessionFence.end.rawValue)
                await self.untilUpstreamIsOut()
            }
        }
        return await finish(.ended)
    }

    /// Returns when the synchronized frames that the EndFrame made processors push upstream have come out as well, or the session is
    /// over; after 2 s in any case, for what stands before them may never end.
    private func untilUpstreamIsOut() async {
        guard let tail = core.tail, let head = core.head else { return }
        let isFirst = state.withLockedValue { state in
            defer { state.isUpstreamFollowed = true }
            return !state.isUpstreamFollowed
        }
        if isFirst {
            let fence = Fence(number: SessionFence.upstream.rawValue, isSystem: false, drains: false)
            core.scheduler.schedule(at: core.scheduler.now + Self.patience) { [core] in core.head?.stop() }
            tail.previous.receive(Item(fence, .upstream))
            core.scheduler.runReadyNodes()
        }
        await head.untilFence(SessionFence.upstream.rawValue)
    }

    /// Sends an EndFrame, unless somebody has sent one or does so before this one can be taken in.
    private func sendEndFrame() async {
        let isFirst = state.withLockedValue { state in
            defer { state.isEndFrameMade = true }
            return state.phase == .running && !state.isEndFrameMade
        }
        guard isFirst else { return }
        let parcel = Parcel(EndFrame())
        guard (try? await untilAcceptable(parcel, .downstream)) != nil else { return }
        guard state.withLockedValue({ $0.phase == .running }) else { return }
        take(parcel, .downstream)
        if core.scheduler.isVirtual { await core.scheduler.untilIdle() }
    }

    /// Sends a CancelFrame and ends the session: what is under way is dropped, and recorded as such (C9). While processors are
    /// being set up, returns when they are.
    @discardableResult
    public func cancel() async -> Ending { await cancel(as: .cancelled) }

    private func cancel(as ending: Ending) async -> Ending {
        let mustCancel = state.withLockedValue { state in
            if state.ending == nil { state.ending = ending }
            // Before the StartFrame there is nothing to cancel.
            return state.phase == .running || state.phase == .ending
                || (state.phase == .starting && !state.isSettingUp)
        }
        if mustCancel {
            await perform {
                // As in `start`.
                if self.core.isOver { return }
                // A processor that is stuck in a system frame must not keep the session from ending.
                let limit = self.core.scheduler.now + Self.patience
                self.core.scheduler.schedule(at: limit) { [core = self.core] in core.tail?.stop() }
                self.enter(Parcel(CancelFrame()), fence: .cancel)
                await self.core.tail.untilFence(SessionFence.cancel.rawValue)
            }
        }
        return await finish(ending)
    }

    /// A fatal error has come out upstream.
    private func fail(_ message: String) {
        // At once, so that `end`, if it comes first, knows; and on the session's executor, so that simulated time has an order.
        state.withLockedValue { if $0.ending == nil { $0.ending = .failed(message) } }
        Task(executorPreference: core.scheduler) { await self.cancel(as: .failed(message)) }
    }

    /// Cleans up, once; whoever comes later waits for it.
    @discardableResult
    private func finish(_ ending: Ending) async -> Ending {
        let isFirst = state.withLockedValue { state in
            if state.ending == nil { state.ending = ending }
            defer {
                state.phase = .over
                takesFrames.store(false, ordering: .releasing)
            }
            return state.phase != .over
        }
        if isFirst {
            await untilSetupIsOver()
            // Processors that run in another session, or were never set up here, are none of this one's.
            if state.withLockedValue({ $0.isSetUp }) { await pipeline.cleanup() }
            await perform { self.core.stop() }
            for place in places { place.processor.link.detach(from: place.node) }
            let waiting = state.withLockedValue { state in
                state.isCleanedUp = true
                defer { state.waitingForEnd = [] }
                return state.waitingForEnd
            }
            for waiter in waiting { waiter.resume() }
        } else {
            await withCheckedContinuation { continuation in
                let isDone = state.withLockedValue { state in
                    if !state.isCleanedUp { state.waitingForEnd.append(continuation) }
                    return state.isCleanedUp
                }
                if isDone { continuation.resume() }
            }
        }
        return state.withLockedValue { $0.ending } ?? ending
    }

    /// Runs `body` on the session's executor, for those who do many things one after the other: nothing hops between threads,
    /// and simulated time passes only while `body` waits for the session's clock.
    public func perform<Result: Sendable>(_ body: @Sendable () async throws -> Result) async rethrows -> Result {
        try await withTaskExecutorPreference(core.scheduler) {
            try await FrameIdentity.$current.withValue(identity) {
                try await core.scheduler.passTime { try await body() }
            }
        }
    }
}

/// A frame as it leaves a pipeline.
public struct ReleasedFrame: Sendable {
    public let frame: any Frame
    /// Downstream frames leave at the pipeline's end, upstream ones at its beginning.
    public let direction: FrameDirection
    /// The release with which it last left a stage; nil if it has passed none since it was made.
    public let origin: FrameOrigin?
    /// ns since the session's start.
    public let time: Int64
}

/// A frame to be sent at a given time.
public struct TimedFrame: Sendable {
    public var frame: any Frame
    public var direction: FrameDirection
    /// ns since the session's start; nil: as soon as the frame before was taken in.
    public var time: Int64?

    public init(_ frame: any Frame, direction: FrameDirection = .downstream, time: Int64? = nil) {
        self.frame = frame
        self.direction = direction
        self.time = time
    }
}
