import GRDB
public import PipelineEngine
import Synchronization

/// What is known of a session when its recording begins.
public struct SessionStart: Sendable {
    /// Lower-case, 36 characters; nil for a new one.
    public var uuid: String?
    public var name: String?
    /// Where it comes from: a pipeline file, `ws://…`, an imported file's name.
    public var source: String?
    /// ISO 8601, UTC, ms; nil for now.
    public var startedAt: String?
    /// Whether it is a copy of a session that was recorded elsewhere.
    public var isImport: Bool
    /// What is kept of its frames' content.
    public var payload: PayloadMode
    public var definition: SessionDefinition
    /// Its number in the history, for salvage; nil for the next one.
    var number: Int64?

    public init(
        definition: SessionDefinition, name: String? = nil, source: String? = nil, uuid: String? = nil,
        startedAt: String? = nil, isImport: Bool = false,
        payload: PayloadMode = .full
    ) {
        self.definition = definition
        self.name = name
        self.source = source
        self.uuid = uuid
        self.startedAt = startedAt
        self.isImport = isImport
        self.payload = payload
    }
}

/// Where the history's writer fetches a session's events.
public protocol EventSource: AnyObject, Sendable {
    /// Exchanges the events gathered since the last call, in the order of their sequence, for events that are written or none, and
    /// returns roughly how many bytes of content they hold. Called on the writer's thread.
    ///
    /// Whoever made the events does best to let go of those that are written: memory that another thread gives back is slower to
    /// get anew.
    func takeEvents(into events: inout [SessionEvent]) -> Int

    /// The events taken last are not in the history, and none that come later will be. Called on the writer's thread, once.
    func didFail(_ error: HistoryError)

    /// Every event up to this sequence is committed. Called on the writer's thread, after each commit with events of the source.
    func didCommit(through sequence: Int64)

    /// Something about the file that somebody should know, in a sentence; nothing is lost. Called on the writer's thread.
    func didNotice(_ notice: String)
}

extension EventSource {
    public func didCommit(through sequence: Int64) {}
    public func didNotice(_ notice: String) {}
}

/// A session that has events to write, and where they are.
struct ReadySession {
    let log: SessionLog
    let source: any EventSource
}

/// One session being written.
///
/// Holds the history open for as long as it lives.
public final class SessionLog: @unchecked Sendable {  // `encoder`, `events` and `appended` are the writer's thread's
    /// A source should take no more events while it has so many waiting, or so many bytes.
    public static let maxWaitingEvents = 32_768
    public static let maxWaitingBytes = 32 << 20
    /// Events that are written go back to the source only if their texts and payloads have no more bytes than this, or 64 each.
    private static let maxReturnedBytes = 64 << 10

    /// The session's number in this history.
    public let session: Int64
    public let uuid: String

    private let lease: WriterLease
    /// The writer's; at hand here, since it changes with every event.
    private let backlog: Backlog
    private let encoder: SessionEncoder
    /// What was taken last; is given back to the source at the next exchange.
    private var events: [SessionEvent] = []
    /// The last event that was appended to the log, committed or not.
    private var appended: Int64 = 0
    private let committed = Atomic<Int64>(0)
    private let isQueued = Atomic(false)
    private let failure = Mutex<HistoryError?>(nil)
    private let isClosed = Atomic(false)

    init(lease: WriterLease, encoder: SessionEncoder) {
        self.lease = lease
        self.encoder = encoder
        backlog = lease.writer.backlog
        session = encoder.session
        uuid = encoder.uuid
    }

    private var writer: HistoryWriter { lease.writer }

    // MARK: - For the source

    /// Says that the source has one more event, holding roughly so many bytes. It is committed within 15 ms while the
    /// writer keeps up. Cheap, never blocks.
    public func didGather(bytes: Int, in source: any EventSource) {
        if backlog.add(bytes: bytes) { writer.hurry() }
        if !isQueued.load(ordering: .relaxed) { enqueue(source) }
    }

    private func enqueue(_ source: any EventSource) {
        if !isQueued.exchange(true, ordering: .acquiringAndReleasing) {
            writer.enqueue(ReadySession(log: self, source: source))
        }
    }

    /// Has what the sources have written at once, rather than with the events of the next 10 ms.
    public func hurry() { writer.hurry() }

    /// The sequence of the last event that is committed, 0 for none.
    public var committedSequence: Int64 { committed.load(ordering: .acquiring) }

    /// Says that events which were gathered will not be fetched.
    public func didDiscard(events: Int, bytes: Int) { backlog.remove(events: events, bytes: bytes) }

    /// Whether all sessions of this process together have more waiting for this file than memory should hold.
    public var isBehind: Bool { backlog.isTooLarge }

    /// Returns when all that the source has is committed.
    ///
    /// - Throws: `HistoryError` if it is not, or something before it was not.
    public func flush(_ source: any EventSource) async throws {
        guard !lease.hasEnded else { return try throwFailure() }
        enqueue(source)
        try await writer.run { [self] _ in try throwFailure() }
    }

    /// Stores what has become known of the session's stages since it began: more of them, their frame orders. Numbers stay.
    ///
    /// - Throws: `HistoryError` if it cannot be stored.
    public func redefine(_ definition: SessionDefinition) async throws {
        guard !lease.hasEnded else { return try throwFailure() }
        let session = session
        try await writer.run { connection in
            try connection.transaction { db, _ in
                try SessionRows.store(definition, session, limits: connection.limits, db)
            }
        }
    }

    /// Flushes, then closes the session with this state. Its counts are final then.
    ///
    /// A session whose recording failed is closed as failed, with what is in the history of it.
    ///
    /// - Parameter endedAt: ISO 8601; nil for now.
    /// - Throws: `HistoryError` if something of the session is not in the history.
    public func close(_ source: any EventSource, state: SessionState, endedAt: String? = nil) async throws {
        guard !lease.hasEnded else { return try throwFailure() }
        defer { lease.end() }
        enqueue(source)
        try await writer.run { [self] connection in
            guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
            defer { events = [] }
            if failure.withLock({ $0 }) == nil {
                do {
                    try connection.transaction { db, log in
                        _ = try appendPending(of: source, to: log, db)
                        if failure.withLock({ $0 }) != nil { return }
                        try finish(db, log, state: state, endedAt: endedAt ?? Timestamp.now())
                    }
                    didCommit(source)
                } catch {
                    // Whoever closes it once more hears of it as well.
                    fail(HistoryError(error, path: connection.path, doing: "cannot write to"), source)
                }
            }
            // It may have failed just now, by an event of its own that could not be kept.
            if failure.withLock({ $0 }) != nil { try? Interruption.repair([session], as: .failed, connection) }
            try throwFailure()
        }
    }

    /// Nobody records the session any more, and nobody closed it: what the source has is committed, and the session closed as
    /// interrupted, as if the process had died. Does nothing after `close`; never blocks.
    ///
    /// - Parameter done: called on the writer's thread when that is done.
    public func abandon(_ source: any EventSource, done: @escaping @Sendable () -> Void) {
        guard !lease.hasEnded else { return }
        enqueue(source)
        writer.submit { [self] connection in
            defer {
                done()
                lease.end()
            }
            guard let connection, !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
            // What fails here is found at the next opening.
            try? Interruption.repair([session], as: .interrupted, connection)
        }
    }

    private func throwFailure() throws {
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    // MARK: - On the writer's thread

    var isOver: Bool { isClosed.load(ordering: .acquiring) }

    /// Appends what the source has and returns how many events that was.
    func appendPending(of source: any EventSource, to log: LogTables, _ db: Database) throws -> Int {
        // First, so that an event which comes from here on queues the session again.
        isQueued.store(false, ordering: .sequentiallyConsistent)
        let bytes = source.takeEvents(into: &events)
        let count = events.count
        backlog.remove(events: count, bytes: bytes)
        // The source gets them at the next exchange. Of a session that rests, that is late, so much content is not to wait for it.
        defer { if bytes > max(Self.maxReturnedBytes, 64 * count) { events.removeAll(keepingCapacity: true) } }
        guard failure.withLock({ $0 }) == nil, !isOver else { return 0 }
        do {
            try encoder.append(events, to: log, db)
            if let last = events.last { appended = last.sequence }
        } catch let error as HistoryError {
            // It is this session's own fault; what it had before is kept, and the others go on.
            fail(error, source)
        }
        return count
    }

    /// The transaction with what was appended last is committed.
    func didCommit(_ source: any EventSource) {
        guard appended > committed.load(ordering: .relaxed) else { return }
        committed.store(appended, ordering: .releasing)
        source.didCommit(through: appended)
    }

    func fail(_ error: HistoryError, _ source: any EventSource) {
        // What was appended last was rolled back; a later commit of others does not commit it.
        appended = committed.load(ordering: .relaxed)
        let isFirst = failure.withLock { failure in
            defer { failure = failure ?? error }
            return failure == nil
        }
        if isFirst { source.didFail(error) }
    }

    func isExtentDue(_ logEnd: Int64) -> Bool { encoder.isExtentDue(logEnd) }
    func storeExtents(_ db: Database, _ log: LogTables) throws { try encoder.storeExtents(db, log) }
    func storeCounts(_ db: Database, _ log: LogTables) throws { try encoder.storeCounts(db, log) }

    private func finish(_ db: Database, _ log: LogTables, state: SessionState, endedAt: String) throws {
        try encoder.finish(db, log, state: state, endedAt: endedAt)
    }
}
