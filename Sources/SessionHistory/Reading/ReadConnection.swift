import Foundation
import GRDB
import GRDBSQLite

/// Reads a history without leaving a trace: it creates no file and changes none.
///
/// While nobody writes, the file is read as if it could not change (`immutable`), because SQLite would otherwise make a log
/// and an index of it beside the file. Whether somebody began to write is looked at after each read, which then is done
/// again the ordinary way.
final class ReadConnection: @unchecked Sendable {  // `current` is touched under the lock only
    let path: String
    private let lock = NSLock()
    private var current: Open?

    private struct Open {
        let queue: DatabaseQueue
        /// What the file was when it was opened as one that does not change; nil for an ordinary connection.
        let stamp: HistoryFile.Stamp?
    }

    /// - Parameter path: absolute.
    init(path: String) { self.path = path }

    /// Runs `body` in one read transaction: it sees one state of the history. It may run twice, and must have no effect
    /// beyond its result.
    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        lock.lock()
        defer { lock.unlock() }
        do {
            while true {
                let connection = try current ?? Self.open(path)
                current = connection
                let result = Result { try connection.queue.read(body) }
                guard let stamp = connection.stamp, stamp != HistoryFile.stamp(path) else { return try result.get() }
                // Somebody wrote meanwhile: what was read may be of two states.
                current = nil
            }
        } catch {
            throw HistoryError(error, path: path, doing: "cannot read")
        }
    }

    func close() {
        lock.lock()
        defer { lock.unlock() }
        current = nil
    }

    /// Refuses a file that is not one of ours, without changing it.
    static func check(_ path: String) throws { _ = try open(path) }

    private static func open(_ path: String) throws -> Open {
        if let header = try HistoryFile.headerWithoutReading(path) { try SchemaCheck.refuse(header, path) }
        let stamp = HistoryFile.stamp(path)
        let isAtRest = stamp.map { $0.logSize == 0 } ?? false
        // The ordinary way makes files beside the one that it opens: not beside a stranger's.
        if !isAtRest { try SchemaCheck.refuse(HistoryFile.header(path), path) }
        let name = isAtRest ? HistoryFile.immutableURI(path) : path
        var configuration = Configuration()
        configuration.readonly = true
        configuration.label = "lockstep.history.reader"
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            // What is in the schema is compared below, before anything in it runs.
            try db.execute(sql: "PRAGMA query_only = ON")
            try db.execute(sql: "PRAGMA cache_size = -8192")
        }
        do {
            let queue = try DatabaseQueue(path: name, configuration: configuration)
            try queue.read { db in
                try SchemaCheck.refuse(HistoryFile.header(db), path)
                try SchemaCheck.verify(db, path)
            }
            return Open(queue: queue, stamp: isAtRest ? stamp : nil)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
            try SchemaCheck.refuse(.foreign("it is no SQLite database"), path)
            throw error
        } catch let error as DatabaseError
            where error.resultCode == .SQLITE_CANTOPEN || error.resultCode == .SQLITE_READONLY
        {
            throw HistoryError(
                .noPermission,
                "cannot read \(path): its last changes are in \(path)-wal, and its folder cannot be written to, which "
                    + "SQLite needs to read them; copy both files to another folder and read them there")
        }
    }
}
