/// The time of a session: real, or simulated.
public final class PipelineClock: Sendable {
    /// ns since the session's start.
    public var now: Int64 { 0 }

    /// Whether time is simulated: it then passes only when nothing is left to do.
    public var isVirtual: Bool { false }

    /// Waits.
    ///
    /// - Throws: `CancellationError` when the task is cancelled meanwhile.
    public func sleep(nanoseconds: Int64) async throws {}
}
