public import PipelineEngine
public import SessionHistory

/// Writes a session down: give it to the session as its observer.
///
///     let recorder = try await SessionRecorder.start(at: "lockstep.sqlite", definition: pipeline.definition)
///     // … run the session with `observer: recorder` …
///     try await recorder.close(state: .complete)
///
/// `observe` keeps the event in memory; the history's writer fetches and commits within 15 ms. Memory is bounded: above
/// `limit` the recorder is congested and the session takes no new input; nothing is lost.
public final class SessionRecorder: SessionObserver {
    /// The session's number in its history, and its uuid.
    public let session: Int64
    public let uuid: String

    private init(session: Int64, uuid: String) {
        self.session = session
        self.uuid = uuid
    }

    /// Opens a new session in `history`, which was opened for writing.
    ///
    /// - Parameter onFailure: called once, on any thread, when storage fails: what comes after is not recorded, and
    ///   `flush` and `close` throw that error.
    public static func start(
        in history: History, definition: SessionDefinition, name: String? = nil, source: String? = nil,
        onFailure: (@Sendable (HistoryError) -> Void)? = nil
    ) async throws -> SessionRecorder { fatalError() }

    /// Opens the history in `path`, created if there is none, and a new session in it.
    public static func start(
        at path: String, definition: SessionDefinition, name: String? = nil, source: String? = nil,
        onFailure: (@Sendable (HistoryError) -> Void)? = nil
    ) async throws -> SessionRecorder { fatalError() }

    public func observe(_ event: SessionEvent) { fatalError() }
    public var isCongested: Bool { false }
    public func waitWhileCongested() async {}

    /// Returns when every event observed so far is committed.
    public func flush() async throws { fatalError() }

    /// Flushes and closes the session.
    public func close(state: SessionState) async throws { fatalError() }
}
