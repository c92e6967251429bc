public import PipelineEngine
import GRDB

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
    private let handle: WriterHandle?

    private init(path: String, purpose: Purpose, handle: WriterHandle?) {
        self.path = path
        self.purpose = purpose
        self.handle = handle
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
            let history = History(path: absolute, purpose: purpose, handle: nil)
            try history.reader.read { _ in }
            return history
        case .writing:
            let handle = try WriterRegistry.handle(path: absolute, options: options)
            return History(path: absolute, purpose: purpose, handle: handle)
        }
    }

    /// The writer, for what changes the history.
    func writer() throws -> WriterHandle {
        guard let handle else {
            throw HistoryError(.noPermission, "\(path) was opened for reading only; open it for writing")
        }
        return handle
    }

    // MARK: - Sessions

    /// All sessions, oldest first. Reads stored counts, never events.
    public func sessions() throws -> [SessionSummary] {
        try reader.read { db in try SessionSummary.all(db, lockFile: LockFile(lookingAtHistory: path)) }
    }

    /// The session that `reference` names: a number, a unique beginning of a uuid, a name (the newest of that name) or
    /// `last`.
    public func session(_ reference: String) throws -> SessionSummary {
        try SessionReference(reference).find(in: sessions(), path: path)
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
        let handle = try writer()
        let encoder = try await handle.writer.run { connection in
            HandedOver(
                value: try connection.transaction { db, log in
                    try SessionRows.begin(start, owner: connection.owner, db, log)
                })
        }.value
        return encoder.map { SessionLog(handle: handle, encoder: $0) }
    }

    /// Carries something from the writer's thread that nobody else has seen yet.
    private struct HandedOver<Value>: @unchecked Sendable {
        let value: Value
    }
}
