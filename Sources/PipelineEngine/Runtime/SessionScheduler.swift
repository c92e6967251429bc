import DequeModule
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Runs one session: its nodes, the Swift tasks that have its executor and its timers, one thing at a time.
///
/// The order in which things run is that of their becoming ready:
/// 1. jobs of Swift tasks, so that a processor runs until it waits; after 64 of them in a row, one of each of the others, so that
///    tasks which only yield hold up nothing;
/// 2. lanes of asynchronous processors, called by a `ProcessorCaller`;
/// 3. nodes with frames in their inboxes;
/// 4. timers that are due, all those of one deadline together;
/// 5. those who wait for the session to have nothing else to do.
///
/// With simulated time, time moves on to the next deadline when all of this is done and somebody waits for it (C18). With a seed, step 3 picks
/// among the ready nodes at random, reproducibly.
///
/// `@unchecked Sendable`: everything but the atomics, and `inbox`, which the thread's lock guards, is only touched while the scheduler has its turn on its thread, which
/// `isCurrent` tells. Only `enqueue`, and `takeTurn` from its thread, are called from elsewhere.
final class SessionScheduler: TaskExecutor, @unchecked Sendable {
    private struct Inbox {
        var jobs: Deque<UnownedJob> = []
        /// Whether the thread knows that there is something to do.
        var isAwake = false
    }

    /// What ends with a timer.
    enum Waiter {
        case continuation(CheckedContinuation<Void, any Error>)
        case action(() -> Void)
    }

    let thread: SessionThread
    /// Guarded by the thread's lock.
    private var inbox = Inbox()
    // `@exclusivity(unchecked)`: as in `Node`.
    @exclusivity(unchecked) private var jobs: Deque<UnownedJob> = []
    /// `Unmanaged`: the session holds its nodes, and they their lanes, until `forgetNodes`.
    @exclusivity(unchecked) private var lanes = UniqueDeque<Unmanaged<Lane>>()
    @exclusivity(unchecked) private var ready = UniqueDeque<Neighbour>()
    /// Those that live, and those of them that have nothing to do.
    private var callers: [ProcessorCaller] = []
    private var restingCallers: [ProcessorCaller] = []
    /// Whether one was woken and stands in line among the jobs.
    @exclusivity(unchecked) private var isCallerComing = false
    @exclusivity(unchecked) private var timers = TimerQueue<Waiter>()
    private var idleWaiters: Deque<CheckedContinuation<Void, Never>> = []
    private var armedWakeup: Int64?
    @exclusivity(unchecked) private var jobsInARow = 0
    private static let maxJobsInARow = 64
    @exclusivity(unchecked) private var timeOfStep: Int64?
    /// The node whose processor was called last. `Unmanaged`: the session holds it, and tells when it no longer does (`forgetNodes`).
    @exclusivity(unchecked) var nodeInCall: Unmanaged<AsyncNode>?

    /// Where frames created in this session get their ids.
    let identity = FrameIdentity()
    let isVirtual: Bool
    private var random: SplitMix64?
    private let origin = MonotonicTime.now
    /// Written in the scheduler's turn only, read from anywhere.
    private let simulatedTime = Atomic<Int64>(0)
    /// How many things are under way whose end simulated time has to wait for.
    private var holds = 0
    /// How many callers from outside are waiting for time to pass.
    private var passers = 0
    private var externals = OrderedExternals()

    init(virtual: Bool, seed: UInt64?) {
        thread = SessionThread.forNewSession()
        isVirtual = virtual
        random = seed.map(SplitMix64.init)
    }

    deinit { thread.sessionIsGone() }

    // MARK: - Time

    /// ns since the session's start.
    var now: Int64 { isVirtual ? simulatedTime.load(ordering: .relaxed) : MonotonicTime.now - origin }

    /// The time for events: `now`, read once for all that happens in one step.
    var eventTime: Int64 {
        if let timeOfStep { return timeOfStep }
        let time = now
        timeOfStep = time
        return time
    }

    /// Lets the next event read the time again: something took time meanwhile.
    func readTimeAnew() { timeOfStep = nil }

    // MARK: - From any thread

    /// Whether the caller runs in this scheduler's turn.
    var isCurrent: Bool { SessionThread.turn == UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque()) }

    /// The node of the processor that has this link, if that is the one called last in the turn that the caller is in: then it needs no
    /// lock to be found.
    static func nodeInCall(of link: ProcessorLink) -> AsyncNode? {
        guard let turn = SessionThread.turn,
            let node = Unmanaged<SessionScheduler>.fromOpaque(turn)._withUnsafeGuaranteedRef({ $0.nodeInCall }),
            node._withUnsafeGuaranteedRef({ $0.link === link })
        else { return nil }
        return node.takeUnretainedValue()
    }

    /// Whether the calling task belongs here, and so comes back here when it has waited: a task that an actor runs, or that began
    /// inline, may be in this scheduler's turn for once.
    var isHome: Bool {
        isCurrent && withUnsafeCurrentTask { $0?.unownedTaskExecutor == asUnownedTaskExecutor() }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            jobs.append(job)
            return
        }
        thread.locked {
            inbox.jobs.append(job)
            defer { inbox.isAwake = true }
            return inbox.isAwake ? nil : self
        }
    }

    // MARK: - In the scheduler's turn

    /// Puts a node in line to run.
    func schedule(_ node: Node) {
        if node.isScheduled { return }
        node.isScheduled = true
        ready.append(Neighbour(node))
    }

    /// Puts a lane in line for a caller.
    func putInLine(_ lane: Lane) { lanes.append(.passUnretained(lane)) }

    /// Takes all nodes out of the line, and their timers, and ends the callers: the session is over.
    func forgetNodes() {
        nodeInCall = nil
        ready.removeAll()
        lanes.removeAll()
        for caller in callers { caller.cancel() }
        restingCallers.removeAll()
        timers.removeAll { waiter in
            if case .action = waiter { true } else { false }
        }
    }

    /// No timer is later (ns).
    static let latestDeadline = SessionEvent.maxTime

    private func addTimer(_ deadline: Int64, _ waiter: Waiter) -> UInt64 {
        timers.add(deadline: min(deadline, Self.latestDeadline), waiter)
    }

    /// Calls `action` at `deadline` (ns since the session's start).
    func schedule(at deadline: Int64, _ action: @escaping () -> Void) {
        _ = addTimer(deadline, .action(action))
    }

    /// Suspends the caller until `deadline`.
    nonisolated(nonsending) func sleep(until deadline: Int64) async throws {
        if Task.isCancelled { throw CancellationError() }
        let ticket = SleepTicket()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                ticket.number = addTimer(deadline, .continuation(continuation))
            }
        } onCancel: {
            // Runs on whatever thread cancels; the timer is the scheduler's.
            Task(executorPreference: self) { self.cancelSleep(ticket) }
        }
    }

    private func cancelSleep(_ ticket: SleepTicket) {
        guard let number = ticket.number, case .continuation(let waiting) = timers.cancel(number) else { return }
        waiting.resume(throwing: CancellationError())
    }

    /// The number of a sleep's timer. `@unchecked Sendable`: only touched in the scheduler's turn.
    private final class SleepTicket: @unchecked Sendable {
        var number: UInt64?
    }

    /// Returns when nothing is left to do at this moment: no job, no node, no work that simulated time waits for.
    func untilIdle() async {
        if isIdle { return }
        await withCheckedContinuation { idleWaiters.append($0) }
    }

    private var isIdle: Bool { jobs.isEmpty && lanes.isEmpty && ready.isEmpty && holds == 0 }

    /// Runs ready nodes without leaving the job under way, as long as no other job and no lane is in line.
    func runReadyNodes() {
        // Binding a task-local costs as much as several nodes.
        if FrameIdentity.current === identity { return runNodes() }
        identity.use { runNodes() }
    }

    private func runNodes() {
        while lanes.isEmpty, runNextNode() {}
    }

    // MARK: - For callers

    /// Runs the next node, unless jobs come first; false if there is none.
    func runNextNode() -> Bool {
        jobs.isEmpty && runNode()
    }

    private func runNode() -> Bool {
        guard let node = nextReady() else { return false }
        timeOfStep = nil
        node.runScheduled()
        return true
    }

    /// The next lane to call, unless jobs come first.
    func nextLane(beforeJobs: Bool) -> Lane? {
        isCallerComing = false
        guard beforeJobs || jobs.isEmpty, let lane = lanes.popFirst() else { return nil }
        timeOfStep = nil
        return lane.takeUnretainedValue()
    }

    func isResting(_ caller: ProcessorCaller) { restingCallers.append(caller) }

    func hasEnded(_ caller: ProcessorCaller) {
        isCallerComing = false
        callers.removeAll { $0 === caller }
    }

    private func wakeCaller() {
        isCallerComing = true
        if let caller = restingCallers.popLast() {
            caller.wake()
        } else {
            callers.append(ProcessorCaller(self))
        }
    }

    /// Lets simulated time pass while `body` waits. Between the calls of a session's owner it stands still, so that what
    /// happens does not depend on how soon the next call comes.
    func passTime<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        passers += 1
        defer { passers -= 1 }
        return try await body()
    }

    /// Keeps simulated time from passing until `release`.
    func hold() { holds += 1 }
    func release() { holds -= 1 }

    /// Begins work whose end simulated time waits for; see `endExternal`.
    func beginExternal() -> Int {
        hold()
        return externals.begin()
    }

    /// Ends such work. With simulated time, returns when all that began before has ended and nothing else is left to do at
    /// this moment, so that what follows does not depend on how fast they were (C18).
    func endExternal(_ number: Int) async {
        if isVirtual { await withCheckedContinuation { externals.wait(number, $0) } }
        externals.end(number)
        release()
    }

    // MARK: - The turn

    /// Runs what there is to run, for a while. Called by the thread.
    func takeTurn() {
        SessionThread.turn = UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
        // Bounded, so that sessions on one thread take turns.
        var budget = 256
        var isDone = false
        identity.use {
            // However much there is to do.
            if !isVirtual { _ = fireTimers(dueAt: now) }
            while budget > 0, !isDone {
                budget -= 1
                isDone = !step()
            }
        }
        SessionThread.turn = nil
        if isDone { armWakeup() }
        thread.locked {
            inbox.isAwake = !isDone || !inbox.jobs.isEmpty
            return inbox.isAwake ? self : nil
        }
    }

    /// Does one thing; false if there is none.
    private func step() -> Bool {
        timeOfStep = nil
        if jobs.isEmpty { takeJobsFromInbox() }
        if let job = jobs.popFirst() {
            job.runSynchronously(on: asUnownedTaskExecutor())
            jobsInARow += 1
            if jobsInARow == Self.maxJobsInARow { letOthersRun() }
            return true
        }
        jobsInARow = 0
        if !lanes.isEmpty {
            wakeCaller()
            return true
        }
        if runNode() { return true }
        if fireTimers(dueAt: now) { return true }
        if let ended = externals.next() {
            ended.resume()
            return true
        }
        if holds == 0, let waiter = idleWaiters.popFirst() {
            waiter.resume()
            return true
        }
        if isVirtual, holds == 0, passers > 0, let deadline = timers.earliest {
            simulatedTime.store(max(now, deadline), ordering: .relaxed)
            return fireTimers(dueAt: now)
        }
        return false
    }

    /// Does one thing of each kind that waits for there to be no more jobs.
    private func letOthersRun() {
        jobsInARow = 0
        takeJobsFromInbox()
        _ = runNode()
        if !lanes.isEmpty, !isCallerComing { wakeCaller() }
        if !isVirtual { _ = fireTimers(dueAt: now) }
    }

    private func takeJobsFromInbox() {
        thread.locked {
            if jobs.isEmpty {
                swap(&inbox.jobs, &jobs)
            } else {
                jobs.append(contentsOf: inbox.jobs)
                inbox.jobs.removeAll(keepingCapacity: true)
            }
            return nil
        }
    }

    private func nextReady() -> Neighbour? {
        guard random != nil, ready.count > 1 else { return ready.popFirst() }
        ready.swapAt(0, Int.random(in: 0..<ready.count, using: &random!))
        return ready.popFirst()
    }

    /// Ends all waits due at `time`; false if there are none.
    private func fireTimers(dueAt time: Int64) -> Bool {
        var fired = false
        while let waiter = timers.popDue(at: time) {
            fired = true
            switch waiter {
            case .continuation(let waiting): waiting.resume()
            case .action(let action): action()
            }
        }
        return fired
    }

    private func armWakeup() {
        guard !isVirtual, let deadline = timers.earliest, armedWakeup.map({ deadline < $0 || $0 <= now }) ?? true
        else { return }
        armedWakeup = deadline
        thread.wake(self, at: origin + deadline)
    }
}

/// External works in the order in which they began.
private struct OrderedExternals {
    private var nextNumber = 0
    private var running: Deque<Int> = []
    private var waiting: [Int: CheckedContinuation<Void, Never>] = [:]

    mutating func begin() -> Int {
        defer { nextNumber += 1 }
        running.append(nextNumber)
        return nextNumber
    }

    mutating func wait(_ number: Int, _ continuation: CheckedContinuation<Void, Never>) {
        waiting[number] = continuation
    }

    /// The first one, if it waits for its end.
    mutating func next() -> CheckedContinuation<Void, Never>? {
        running.first.flatMap { waiting.removeValue(forKey: $0) }
    }

    mutating func end(_ number: Int) { running.removeAll { $0 == number } }
}

/// A small pseudo-random generator with a reproducible sequence (Steele, Lea and Flood, 2014).
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
