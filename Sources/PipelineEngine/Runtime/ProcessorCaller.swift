/// A task that calls asynchronous processors, one after the other, and runs what else is ready between the calls. While a call
/// waits, another caller goes on: a session has about as many as calls that wait at the same time, and one more.
///
/// A task of its own for each processor would be switched to with every frame, which costs several times what a call does.
///
/// `@unchecked Sendable`: confined to the scheduler's turn.
final class ProcessorCaller: @unchecked Sendable {
    /// How many items and nodes a caller handles in a row before others have a turn: what comes from other threads, timers, sessions.
    private static let maxInARow = 128

    /// Ends with the session, which cancels it.
    private var task: Task<Void, Never>?
    private var rest: CheckedContinuation<Void, Never>?
    /// Whether the call that it makes is to end, and it with that.
    @exclusivity(unchecked) private(set) var isCancelled = false
    @exclusivity(unchecked) private var inARow = 0

    /// Starts the task.
    init(_ scheduler: SessionScheduler) {
        task = Task(executorPreference: scheduler) {
            await FrameIdentity.$current.withValue(scheduler.identity) { await self.run(in: scheduler) }
        }
    }

    private nonisolated(nonsending) func run(in scheduler: SessionScheduler) async {
        while !isCancelled {
            if inARow < Self.maxInARow {
                // It was woken for a lane: jobs that come one after the other without end do not keep it out.
                if let lane = scheduler.nextLane(beforeJobs: inARow == 0) {
                    await lane.run(by: self)
                    continue
                }
                if scheduler.runNextNode() {
                    inARow += 1
                    continue
                }
            }
            inARow = 0
            await withCheckedContinuation { continuation in
                rest = continuation
                scheduler.isResting(self)
            }
        }
        scheduler.hasEnded(self)
    }

    /// Whether it may make one more call now, which it then counts.
    @inline(__always)
    func takesOneMore() -> Bool {
        if isCancelled || inARow >= Self.maxInARow { return false }
        inARow += 1
        return true
    }

    /// Lets it go on after a rest.
    func wake() {
        rest?.resume()
        rest = nil
    }

    /// Cancels the call under way; the caller ends when that returns.
    func cancel() {
        isCancelled = true
        task?.cancel()
        wake()
    }
}
