public import PipelineEngine

/// Records a running bot from its WhiskerServer.
///
/// `run` connects, tells the steps, and returns when the recording is over: the bot closed the connection and
/// `Options.waits` is false, the duration is up, or its task was cancelled. Each connection is a session of its own.
public struct WhiskerClient: Sendable {
    public struct Options: Sendable {
        /// The frame order of every stage, if it is known.
        public var order: FrameOrder?
        /// Whether to wait for a server that is not there yet, and for the bot's next life when it has ended.
        public var waits = false
        /// How long to record in all, from the start; nil for as long as the bot lives.
        public var duration: Duration?
        /// How long to try to come back to a bot that vanished without closing the connection, when `waits` is false.
        public var reconnectWindow: Duration = .seconds(5)
        /// How long the server may take to connect, and to send its snapshot.
        public var greetingTimeout: Duration = .seconds(10)
        /// How long the server may be silent; it is sent a ping after half of it.
        public var silenceTimeout: Duration = .seconds(20)
        /// PEM file with the certificates to trust for `wss`, in place of the system's.
        public var trustedCertificates: String?
        public var limits = WhiskerLimits()

        public init() {}
    }

    private let address: WhiskerAddress
    private let options: Options
    private let clock: LiveClock

    /// - Throws: `WhiskerError.Code.badAddress` when the address is not `ws://HOST:PORT` or `wss://HOST:PORT`.
    public init(_ address: String, _ options: Options = Options()) throws(WhiskerError) {
        try self.init(address, options, clock: .real)
    }

    init(_ address: String, _ options: Options, clock: LiveClock) throws(WhiskerError) {
        self.address = try WhiskerAddress(address)
        self.options = options
        self.clock = clock
    }

    /// Records; calls `take` for every step, one at a time, in order. While `take` takes its time, the bot's bytes wait
    /// in the socket. When the task is cancelled the session is ended as `.stopped` before this returns; `take` is then
    /// called in the cancelled task.
    ///
    /// - Parameter notice: is told of connecting, waiting and reconnecting, in one line for people each.
    /// - Throws: `WhiskerError` when nothing could be recorded at all, or when the server misbehaved (what came before
    ///   is told, and its session has ended `.damaged`); whatever `take` throws.
    public func run(
        notice: (String) -> Void = { _ in }, take: (WhiskerStep) async throws -> Void
    ) async throws {
        var recorder = LiveRecorder(address: address, options: options, clock: clock)
        try await recorder.run(notice: notice, take: take)
    }
}
