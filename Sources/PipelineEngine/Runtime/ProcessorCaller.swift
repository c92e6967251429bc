/// A task that calls asynchronous processors, one after the other, and runs what else is ready between the calls. While a call
/// waits, another caller goes on: a session has as many as calls that wait at the same time, and one more.
///
/// A task of its own for each processor would be switched to with every frame, which costs several times what a call does.
///
/// `@unchecked Sendable`: confined to the scheduler's turn.
final class ProcessorCaller: @unchecked Sendable {
    /// How many lanes and nodes a caller runs in a row before others have a turn: what comes from other threads, timers, sessions.
    private static let maxRunsInARow = 64

    /// The task ends with the session, which cancels it; the scheduler is its executor and lives as long.
    private unowned let scheduler: SessionScheduler
    private var task: Task<Void, Never>?
    private var rest: CheckedContinuation<Void, Never>?
    /// Whether the call that it makes is to end, and it with that.
    @exclusivity(unchecked) private(set) var isCancelled = false

    /// Starts the task.
    init(_ scheduler: SessionScheduler) {
        self.scheduler = scheduler
        task = Task(executorPreference: scheduler) {
            await FrameIdentity.$current.withValue(scheduler.identity) { await self.run(in: scheduler) }
        }
    }

    private nonisolated(nonsending) func run(in scheduler: SessionScheduler) async {
        var runs = 0
        while !isCancelled {
            if runs < Self.maxRunsInARow {
                // It was woken for a lane: jobs that come one after the other without end do not keep it out.
                if let lane = scheduler.nextLane(beforeJobs: runs == 0) {
                    runs += 1
                    await lane.run(by: self)
                    continue
                }
                if scheduler.runNextNode() {
                    runs += 1
                    continue
                }
            }
            runs = 0
            await withCheckedContinuation { continuation in
                rest = continuation
                scheduler.isResting(self)
            }
        }
        scheduler.hasEnded(self)
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
