import GRDB
public import PipelineEngine

/// The SQLite history of sessions in one file.
///
/// Opened for reading it never creates or changes a file. All histories of a process that are opened for writing on one file
/// share one writing connection and its thread. Every method may be called from any thread and blocks until it is done; all
/// throw `HistoryError`.
public final class History: Sendable {
    public enum Purpose: Sendable {
        case reading
        /// Creates the file if there is none, applies migrations, and marks sessions whose process died as interrupted.
        case writing
    }

    /// Absolute.
    public let path: String
    public let purpose: Purpose

    let reader: ReadConnection
    private let lease: WriterLease?

    private init(path: String, purpose: Purpose, lease: WriterLease?) {
        self.path = path
        self.purpose = purpose
        self.lease = lease
        reader = ReadConnection(path: path)
    }

    /// Opens the history in `path`, taken as a path whatever it looks like (never as a URI).
    ///
    /// - Parameter options: how to write; those of the first to open a file in this process hold.
    public static func open(
        at path: String, for purpose: Purpose = .reading, options: WriterOptions = WriterOptions()
    ) throws -> History {
        let absolute = try HistoryFile.absolutePath(path)
        switch purpose {
        case .reading:
            let history = History(path: absolute, purpose: purpose, lease: nil)
            try history.reader.read { _ in }
            return history
        case .writing:
            let lease = try WriterRegistry.lease(path: absolute, options: options)
            return History(path: absolute, purpose: purpose, lease: lease)
        }
    }

    /// Ends the use of the history, as letting go of it does. When this was the last in this process to write to the file,
    /// and no session is being recorded, the file is whole and alone when this returns: no log beside it.
    public func close() {
        reader.close()
        lease?.end()
    }

    /// A lease of the writer, for what changes the history.
    func writing() throws -> WriterLease {
        guard let lease else {
            throw HistoryError(.noPermission, "\(path) was opened for reading only; open it for writing")
        }
        guard !lease.hasEnded else { throw HistoryError(.closed, "the history \(path) is closed") }
        return lease
    }

    // MARK: - Sessions

    /// All sessions, oldest first. Reads stored counts, never events.
    public func sessions() throws -> [SessionSummary] {
        try reader.read { db in try SessionSummary.found("ORDER BY session", [], db, lockFile: locks) }
    }

    /// Calls `body` with every session, oldest first, until it returns false. Reads a few hundred at a time, the next ones on another
    /// thread meanwhile: in bounded memory, and it may see part of what others change.
    package func forEachListedSession(_ body: (ListedSession) throws -> Bool) throws {
        let limit = 512
        let read: @Sendable (Int64) throws -> [ListedSession] = { last in
            try self.reader.read { db in
                try ListedSession.found(after: last, atMost: limit, db, lockFile: self.locks)
            }
        }
        let first = try read(.min)
        let rest =
            first.count < limit ? nil : Ahead(after: first) { $0.count < limit ? nil : try read($0[limit - 1].session) }
        // Also when `body` ends it here: nothing is read behind the caller's back.
        defer { rest?.stop() }
        var sessions: [ListedSession]? = first
        while let page = sessions {
            for session in page where try !body(session) { return }
            sessions = try rest?.next()
        }
    }

    /// Tells which recording processes live; nil if no such file is there.
    private var locks: LockFile? { LockFile(lookingAtHistory: path) }

    /// The session that `reference` names: a number, a unique beginning of a uuid, a name (the newest of that name) or
    /// `last`.
    public func session(_ reference: String) throws -> SessionSummary {
        try session(SessionReference(reference))
    }

    /// As `session`, for one that is to be deleted or redacted: a few digits are never taken for the beginning of a uuid.
    public func sessionToBeChanged(_ reference: String) throws -> SessionSummary {
        try session(SessionReference(reference, isToBeChanged: true))
    }

    private func session(_ reference: SessionReference) throws -> SessionSummary {
        try reader.read { db in try reference.find(in: db, lockFile: locks, path: path) }
    }

    /// The session of this number; nil if there is none.
    func session(numbered number: Int64) throws -> SessionSummary? {
        try reader.read { db in try SessionSummary.found("WHERE session = ?", [number], db, lockFile: locks).first }
    }

    /// The session of this number, which is to be changed.
    ///
    /// - Throws: `HistoryError` if there is none or it is being recorded.
    func sessionAtRest(_ number: Int64) throws -> SessionSummary {
        guard let session = try session(numbered: number) else {
            throw HistoryError(.notFound, "there is no session \(number) in \(path)")
        }
        guard session.state != .recording else {
            throw HistoryError(.busy, "session \(number) is being recorded; end its recording first")
        }
        return session
    }

    /// Its stages and branches.
    public func definition(of session: Int64) throws -> SessionDefinition {
        try reader.read { db in try SessionDefinition(of: session, db) }
    }

    // MARK: - Recording

    /// Opens a new session, whose events the writer will fetch from an `EventSource`.
    ///
    /// - Returns: nil if the history already has a whole session of this uuid: importing twice changes nothing.
    public func begin(_ start: SessionStart) async throws -> SessionLog? {
        // The session's own, before anything is written for it: the history may be closed meanwhile.
        let lease = try WriterRegistry.another(writing())
        let encoder = try await lease.writer.run { connection in
            HandedOver(
                value: try connection.transaction { db, log in
                    try SessionRows.begin(start, by: connection, db, log)
                })
        }.value
        return encoder.map { SessionLog(lease: lease, encoder: $0) }
    }

    /// Carries something from the writer's thread that nobody else has seen yet.
    private struct HandedOver<Value>: @unchecked Sendable {
        let value: Value
    }
}
