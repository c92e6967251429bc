/// A processor's place in a pipeline: through it the processor pushes frames and reads the session's clock.
public final class ProcessorLink: Sendable {
    public let name: String?

    public init(name: String? = nil) { self.name = name }

    /// Sends a frame to the next processor (downstream) or the one before (upstream).
    public func push(_ frame: any Frame, _ direction: FrameDirection = .downstream) async {}

    /// The session's clock.
    public var clock: PipelineClock { PipelineClock() }

    /// Runs work whose end simulated time cannot foresee (a child process, the network): while it runs, a virtual clock
    /// stands still, and works of this kind end in the order in which they began.
    public func external<Result: Sendable>(_ work: @Sendable () async throws -> Result) async rethrows -> Result {
        try await work()
    }
}
