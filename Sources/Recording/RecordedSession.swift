public import PipelineEngine
public import SessionHistory
import Synchronization

/// What a session does when what happens cannot be recorded any more: the disk is full or gone, the file may not grow. What was
/// committed before is intact either way.
public enum StorageErrorPolicy: String, Sendable, CaseIterable {
    /// It is cancelled: nothing happens that is not recorded.
    case stop
    /// It runs on unrecorded.
    case `continue`
}

/// A session of your own pipeline, recorded:
///
///     let session = try await RecordedSession.start(pipeline, at: "lockstep.sqlite") { print($0.frame) }
///     try await session.send(TextFrame("hello"))
///     try await session.end()
public final class RecordedSession: Sendable {
    /// The session itself, for everything that is not here.
    public let session: PipelineSession
    public let recorder: SessionRecorder

    private let releases: HeldReleases?

    private init(session: PipelineSession, recorder: SessionRecorder, releases: HeldReleases?) {
        self.session = session
        self.recorder = recorder
        self.releases = releases
    }

    /// Starts a session of `pipeline` that is recorded in the history at `path`, which is created where there is none.
    ///
    /// - Parameters:
    ///   - options: how the history is written: what a loss of power may cost, how long to wait for others.
    ///   - payload: what is kept of the frames' content.
    ///   - writeAhead: whether each released frame is held until its events are committed, so that after a crash nothing that
    ///     left the pipeline is missing from the history. `output` is then called on a thread of its own.
    ///   - onStorageError: whether the session runs on unrecorded when storage fails. With `stop` and `writeAhead`, released
    ///     frames that could not be recorded are withheld.
    ///   - output: is given every frame that leaves the pipeline, the moment it does, on the session's executor.
    ///   - onStorageFailure: called once, on the writer's thread, when storage fails. `end` throws the error as well.
    /// - Throws: `HistoryError` when the history cannot be written, `PipelineError` when the pipeline cannot be started.
    public static func start(
        _ pipeline: Pipeline, at path: String, name: String? = nil, time: PipelineSession.Time = .real,
        options: WriterOptions = WriterOptions(), payload: PayloadMode = .full, writeAhead: Bool = false,
        onStorageError: StorageErrorPolicy = .continue,
        output: @escaping @Sendable (ReleasedFrame) -> Void = { _ in },
        onStorageFailure: (@Sendable (HistoryError) -> Void)? = nil
    ) async throws -> RecordedSession {
        let history = try History.open(at: path, for: .writing, options: options)
        let stopper = SessionStopper()
        let recorder = try await SessionRecorder.start(
            in: history, definition: pipeline.definition(), name: name, payload: payload,
            onFailure: { error in
                onStorageFailure?(error)
                if onStorageError == .stop { stopper.stop() }
            })
        let releases =
            writeAhead
            ? recorder.holdReleases(afterFailure: onStorageError == .stop ? .withhold : .deliver, deliver: output) : nil
        do {
            let session = try PipelineSession(
                pipeline, time: time, observer: recorder, output: releases.map { releases in releases.add } ?? output)
            stopper.attach(session)
            try await session.start()
            return RecordedSession(session: session, recorder: recorder, releases: releases)
        } catch {
            try await recorder.close(state: .failed)
            throw error
        }
    }

    /// Cancels a session as soon as both are known: that it is to be, and which.
    private final class SessionStopper: Sendable {
        private struct State {
            // It holds its recorder, which holds this.
            weak var session: PipelineSession?
            var isAsked = false
        }

        private let state = Mutex(State())

        func attach(_ session: PipelineSession) {
            let isAsked = state.withLock { state in
                state.session = session
                return state.isAsked
            }
            if isAsked { stop() }
        }

        func stop() {
            let session = state.withLock { state in
                state.isAsked = true
                return state.session
            }
            if let session { Task { await session.cancel() } }
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
        await releases?.settle()
        let state: SessionState =
            switch ending {
            case .ended, .cancelled: .complete
            case .failed: .failed
            }
        try await recorder.close(state: state)
        return ending
    }
}
