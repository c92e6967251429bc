/// The time of a session: real, or simulated.
public struct PipelineClock: Sendable {
    private let scheduler: SessionScheduler?

    init(_ scheduler: SessionScheduler?) { self.scheduler = scheduler }

    /// ns since the session's start.
    public var now: Int64 { scheduler?.now ?? MonotonicTime.now }

    /// Whether time is simulated: it then passes only when nothing is left to do.
    public var isVirtual: Bool { scheduler?.isVirtual ?? false }

    /// Waits for `nanoseconds`; not at all for none or fewer.
    ///
    /// - Throws: `CancellationError` when the task is cancelled meanwhile.
    public nonisolated(nonsending) func sleep(nanoseconds: Int64) async throws {
        guard nanoseconds > 0 else { return try Task.checkCancellation() }
        guard let scheduler else { return try await Task.sleep(nanoseconds: UInt64(nanoseconds)) }
        let (deadline, overflow) = scheduler.now.addingReportingOverflow(nanoseconds)
        try await sleep(until: overflow ? .max : deadline)
    }

    /// Waits until `deadline`, in ns since the session's start. Simulated time passes when a processor of the session waits,
    /// and when its owner does.
    ///
    /// - Throws: `CancellationError` when the task is cancelled meanwhile.
    public nonisolated(nonsending) func sleep(until deadline: Int64) async throws {
        guard let scheduler else { return try await sleep(nanoseconds: deadline - now) }
        if scheduler.isHome {
            try await scheduler.sleep(until: deadline)
        } else {
            try await withTaskExecutorPreference(scheduler) {
                try await scheduler.passTime { try await scheduler.sleep(until: deadline) }
            }
        }
    }
}
