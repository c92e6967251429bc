public import PipelineEngine
public import SessionHistory

/// A session of your own pipeline, recorded:
///
///     let session = try await RecordedSession.start(pipeline, at: "lockstep.sqlite") { print($0.frame) }
///     try await session.send(TextFrame("hello"))
///     try await session.end()
public final class RecordedSession: Sendable {
    /// The session itself, for everything that is not here.
    public let session: PipelineSession
    public let recorder: SessionRecorder

    private init(session: PipelineSession, recorder: SessionRecorder) {
        self.session = session
        self.recorder = recorder
    }

    /// Starts a session of `pipeline` that is recorded in the history at `path`, which is created where there is none.
    ///
    /// - Parameters:
    ///   - onStorageFailure: called once, on the writer's thread, when storage fails: the session runs on unrecorded, and `end`
    ///     throws the error.
    ///   - output: is given every frame that leaves the pipeline, the moment it does, on the session's executor.
    /// - Throws: `HistoryError` when the history cannot be written, `PipelineError` when the pipeline cannot be started.
    public static func start(
        _ pipeline: Pipeline, at path: String, name: String? = nil, time: PipelineSession.Time = .real,
        onStorageFailure: (@Sendable (HistoryError) -> Void)? = nil,
        output: @escaping @Sendable (ReleasedFrame) -> Void = { _ in }
    ) async throws -> RecordedSession {
        let history = try History.open(at: path, for: .writing)
        let recorder = try await SessionRecorder.start(
            in: history, definition: pipeline.definition(), name: name, onFailure: onStorageFailure)
        do {
            let session = try PipelineSession(pipeline, time: time, observer: recorder, output: output)
            try await session.start()
            return RecordedSession(session: session, recorder: recorder)
        } catch {
            try await recorder.close(state: .failed)
            throw error
        }
    }

    /// Sends a frame into the pipeline; see `PipelineSession.send`.
    public func send(_ frame: any Frame, _ direction: FrameDirection = .downstream) async throws {
        try await session.send(frame, direction)
    }

    /// Ends the session and closes its recording. Everything that happened is committed when it returns.
    ///
    /// - Throws: `HistoryError` if an event is not in the history.
    @discardableResult
    public func end() async throws -> PipelineSession.Ending { try await close(await session.end()) }

    /// Cancels the session and closes its recording.
    ///
    /// - Throws: `HistoryError` if an event is not in the history.
    @discardableResult
    public func cancel() async throws -> PipelineSession.Ending { try await close(await session.cancel()) }

    private func close(_ ending: PipelineSession.Ending) async throws -> PipelineSession.Ending {
        let state: SessionState =
            switch ending {
            case .ended, .cancelled: .complete
            case .failed: .failed
            }
        try await recorder.close(state: state)
        return ending
    }
}
