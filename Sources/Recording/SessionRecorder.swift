public import PipelineEngine
public import SessionHistory
import Synchronization

/// Writes a session down: give it to the session as its observer.
///
///     let recorder = try await SessionRecorder.start(in: history, definition: definition)
///     // … run the session with `observer: recorder` …
///     try await recorder.close(state: .complete)
///
/// `observe` only keeps the event; the history's writer fetches and commits it within 15 ms, while it keeps up. Memory is
/// bounded: with too much waiting the recorder is congested, and the session takes no new input until the writer has caught
/// up (C19). Nothing is lost; when storage fails, everything says so.
public final class SessionRecorder: SessionObserver {
    private let buffer: EventBuffer
    private let log: SessionLog

    /// The session's number in its history.
    public var session: Int64 { log.session }
    /// The session's name among all histories.
    public var uuid: String { log.uuid }

    init(buffer: EventBuffer, log: SessionLog) {
        self.buffer = buffer
        self.log = log
    }

    /// A session that nobody closed is shown as interrupted, with all that was observed.
    deinit {
        let buffer = buffer
        log.abandon(buffer) { buffer.close() }
    }

    /// Opens a new session in `history`, which was opened for writing.
    ///
    /// - Parameters:
    ///   - payload: what is kept of the frames' content.
    ///   - onFailure: called once, on the writer's thread, when storage fails: what comes after is not recorded, the session
    ///     itself runs on, and `flush` and `close` throw the error.
    ///   - onNotice: called on the writer's thread with a sentence that somebody should read, such as that a program which
    ///     has been reading for long makes the write-ahead log grow. Nothing is lost then.
    public static func start(
        in history: History, definition: SessionDefinition, name: String? = nil, source: String? = nil,
        payload: PayloadMode = .full,
        onFailure: (@Sendable (HistoryError) -> Void)? = nil, onNotice: (@Sendable (String) -> Void)? = nil
    ) async throws -> SessionRecorder {
        let start = SessionStart(definition: definition, name: name, source: source, payload: payload)
        // Only a session that brings its uuid along can be there already.
        guard let recorder = try await begin(start, in: history, onFailure: onFailure, onNotice: onNotice) else {
            throw HistoryError(.storage, "a new session could not be opened in \(history.path); try again")
        }
        return recorder
    }

    /// Opens a session that was recorded elsewhere, to be observed event by event.
    ///
    /// - Returns: nil if `history` already has it as a whole: importing twice changes nothing.
    public static func importing(
        _ start: SessionStart, into history: History, onFailure: (@Sendable (HistoryError) -> Void)? = nil
    ) async throws -> SessionRecorder? {
        var start = start
        start.isImport = true
        return try await begin(start, in: history, onFailure: onFailure, onNotice: nil)
    }

    private static func begin(
        _ start: SessionStart, in history: History, onFailure: (@Sendable (HistoryError) -> Void)?,
        onNotice: (@Sendable (String) -> Void)?
    ) async throws -> SessionRecorder? {
        let buffer = EventBuffer(onFailure: onFailure, onNotice: onNotice)
        guard let log = try await history.begin(start) else { return nil }
        buffer.attach(log)
        return SessionRecorder(buffer: buffer, log: log)
    }

    // MARK: - Observing

    public func observe(_ event: consuming SessionEvent) { buffer.add(event) }

    public var isCongested: Bool { buffer.isCongested }

    public func waitWhileCongested() async { await buffer.waitWhileCongested() }

    /// Stores what has become known of the session's stages since it began: more of them, their frame orders. Numbers stay.
    ///
    /// - Throws: `HistoryError` if it cannot be stored.
    public func redefine(_ definition: SessionDefinition) async throws { try await log.redefine(definition) }

    /// How many of the events observed so far are not in the history: those that wait to be written, and after a failure all
    /// that were lost.
    public var uncommittedEvents: Int64 { buffer.uncommitted }

    // MARK: - Releasing only what is recorded

    /// Holds released frames back until everything that happened up to their release is committed, and then gives them to
    /// `deliver`: after a crash of the process, nothing that left is missing from the history. After a loss of power neither,
    /// with `full` durability.
    ///
    ///     let held = recorder.holdReleases { print($0.frame) }
    ///     let session = try PipelineSession(pipeline, observer: recorder, output: held.add)
    ///     // … run the session …
    ///     await held.settle()
    ///
    /// Call it once, before the session starts.
    ///
    /// - Parameters:
    ///   - afterFailure: what becomes of released frames when storage fails.
    ///   - deliver: called in the order of release, one at a time, on a thread of its own. What it takes long for slows the
    ///     session down, once so many frames wait that it is congested.
    public func holdReleases(
        afterFailure: HeldReleases.AfterFailure = .withhold, deliver: @escaping @Sendable (ReleasedFrame) -> Void
    ) -> HeldReleases {
        let releases = HeldReleases(buffer: buffer, log: log, afterFailure: afterFailure, deliver: deliver)
        buffer.attach(releases)
        return releases
    }

    // MARK: - Ending

    /// Returns when every event observed so far is committed: a reader in another process sees it.
    ///
    /// - Throws: `HistoryError` if one is not.
    public func flush() async throws { try await log.flush(buffer) }

    /// Commits what is left and closes the session with this state; its counts are final then.
    ///
    /// - Parameter endedAt: ISO 8601; nil for now.
    /// - Throws: `HistoryError` if an event is not in the history.
    public func close(state: SessionState, endedAt: String? = nil) async throws {
        defer { buffer.close() }
        try await log.close(buffer, state: state, endedAt: endedAt)
    }
}
