public import PipelineEngine

/// What is known of a session when its recording begins.
public struct SessionStart: Sendable {
    /// Lower-case, 36 characters; a new one unless the session comes from elsewhere.
    public var uuid: String?
    public var name: String?
    /// Where it comes from: a pipeline file, `ws://…`, an imported file's name.
    public var source: String?
    /// ISO 8601, UTC, ms; now unless the session comes from elsewhere.
    public var startedAt: String?
    public var definition: SessionDefinition

    public init(
        definition: SessionDefinition, name: String? = nil, source: String? = nil, uuid: String? = nil,
        startedAt: String? = nil
    ) {
        self.definition = definition
        self.name = name
        self.source = source
        self.uuid = uuid
        self.startedAt = startedAt
    }
}

/// Where the history's writer fetches a session's events.
public protocol EventSource: AnyObject, Sendable {
    /// Gives up the events gathered since the last call, in the order of their sequence. Called on the writer's thread.
    func takeEvents() -> [SessionEvent]

    /// The events taken so far are committed: a reader in another process sees them. Called on the writer's thread.
    func didCommit()

    /// The events taken last are not in the history, and none of this session's will be. Called on the writer's thread.
    func didFail(_ error: HistoryError)
}

/// One session being written.
public final class SessionLog: Sendable {
    /// The session's number in this history.
    public let session: Int64
    public let uuid: String

    init(session: Int64, uuid: String) {
        self.session = session
        self.uuid = uuid
    }

    /// Says that the source has events. They are committed within 15 ms. Cheap, never blocks.
    public func wake() { fatalError() }

    /// Returns when all that the source has is committed.
    public func flush() async throws { fatalError() }

    /// Flushes, then closes the session with this state. Its counts are final.
    ///
    /// - Parameter endedAt: ISO 8601; now unless the session comes from elsewhere.
    public func close(state: SessionState, endedAt: String? = nil) async throws { fatalError() }
}

/// A rerun being stored.
public final class ReplayLog: Sendable {
    public let replay: Int64

    init(replay: Int64) { self.replay = replay }

    /// Adds what the rerun released next. Frames of one batch and direction come in the order of their position.
    public func append(_ releases: [ReleasedFrame]) throws { fatalError() }

    /// Stores the verdict (`same`, `different`, `failed`) and commits.
    public func finish(verdict: String, differingBatches: Int) throws { fatalError() }
}
