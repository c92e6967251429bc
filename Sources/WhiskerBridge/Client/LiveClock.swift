/// The time that a live recording goes by; tests have one of their own.
struct LiveClock: Sendable {
    /// Time since some moment.
    var now: @Sendable () -> Duration
    /// Waits; throws `CancellationError` when the task is cancelled.
    var sleep: @Sendable (Duration) async throws -> Void

    static let real: LiveClock = {
        let start = ContinuousClock.now
        return LiveClock(
            now: { ContinuousClock.now - start },
            sleep: { try await ContinuousClock().sleep(for: $0) })
    }()
}
