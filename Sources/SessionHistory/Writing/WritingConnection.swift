import Foundation
import GRDB
import GRDBSQLite

/// The one connection of this process that writes to a history: opens, migrates, commits, checkpoints. Used by the writer's
/// thread only.
final class WritingConnection {
    let path: String
    let lockFile: LockFile
    /// The lock byte that says this writer lives.
    let owner: Int64
    private let queue: DatabaseQueue
    private let options: WriterOptions
    var limits: ContentLimits { options.limits }
    private var log: LogTables?
    private let logPages = LogPages()
    private var presence: FilePresence
    /// From which size of the log on it is spoken of again.
    private var nextLogNotice: Int

    /// What SQLite's callback writes: the pages of the write-ahead log after the last commit.
    private final class LogPages {
        var count = 0
        /// When to checkpoint next. A reader in the way keeps the log from starting anew: it then grows on.
        var limit = 0
        /// Checkpoints since the log started anew.
        var checkpoints = 0

        func didRestart() { (count, limit, checkpoints) = (0, 0, 0) }
    }

    /// Opens the history in `path` (absolute), creates it if there is none, and applies migrations.
    init(path: String, options: WriterOptions) throws {
        self.path = path
        self.options = options
        nextLogNotice = options.logNotice
        Self.surviveFileSizeLimit()
        let lockFile = try Self.doing("cannot open the history", path) {
            // Before anything is made beside a file that is none of ours.
            if try HistoryFile.header(path) != .missing { try ReadConnection.check(path) }
            let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
            guard access(folder.isEmpty ? "/" : folder, W_OK) == 0 else {
                throw HistoryError(systemError: errno, "cannot write to the history's folder", folder)
            }
            return try LockFile(forHistory: path)
        }
        self.lockFile = lockFile
        (queue, log, owner, presence) = try Self.doing("cannot open the history", path) {
            try lockFile.withTurn(patience: options.patience) {
                if try HistoryFile.header(path) == .missing { try Self.create(path, options) }
                try SchemaCheck.refuse(HistoryFile.header(path), path)
                guard access(path, W_OK) == 0 else {
                    throw HistoryError(systemError: errno, "cannot write to the history", path)
                }
                // On a read-only connection first: nothing of a stranger's file runs, and it is not changed.
                try ReadConnection.check(path)
                let queue = try Self.open(path, options)
                let log = try queue.inDatabase { db in
                    if try Migrator.isDue(db) {
                        // Whoever has it open may be an older lockstep, to whom the new tables say something else.
                        guard !lockFile.hasWriter else {
                            throw HistoryError(
                                .busy,
                                "\(path) is to take the form that this lockstep gives it, and another process is writing to "
                                    + "it; try again when that has ended")
                        }
                        try Migrator.migrate(db)
                    }
                    return try LogTables(db, limits: options.limits)
                }
                return (queue, log, try lockFile.takeOwnership(), FilePresence(path))
            }
        }
        try inTurn { db in try setUp(db) }
        try Interruption.repairAll(self)
    }

    /// A limit on file sizes is to be an error of the write that reaches it, not the end of the process. A handler that the
    /// program has set itself stays.
    private static func surviveFileSizeLimit() {
        var action = sigaction()
        guard sigaction(SIGXFSZ, nil, &action) == 0, action.isDefault else { return }
        signal(SIGXFSZ, SIG_IGN)
    }

    /// Makes a whole, empty history under another name and then gives it its own: whoever looks sees none or all of it.
    private static func create(_ path: String, _ options: WriterOptions) throws {
        let draft = path + ".new"
        func removeDraft() { for name in [draft, draft + "-wal", draft + "-shm", draft + "-journal"] { unlink(name) } }
        removeDraft()
        try HistoryFile.createPrivate(draft)
        do {
            let queue = try open(draft, options)
            try queue.inDatabase { db in
                // On the disk before it has its name, whatever is promised of what comes later.
                try db.execute(sql: "PRAGMA synchronous = FULL")
                try Migrator.migrate(db)
                // The log stays behind under the old name: what does not fit into the file would be missing.
                let checkpoint = sqlite3_wal_checkpoint_v2(
                    db.sqliteConnection, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil)
                guard checkpoint == SQLITE_OK else { throw SQLiteFailure(db.sqliteConnection) }
            }
            try queue.close()
            guard link(draft, path) == 0 else { throw HistoryError(systemError: errno, "cannot create", path) }
            unlink(draft)
            try HistoryFile.settleName(path)
        } catch {
            removeDraft()
            throw error
        }
    }

    private static func open(_ path: String, _ options: WriterOptions) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "lockstep.history.writer"
        // The rows refer to each other by construction; looking it up for each would halve the speed. `verify` checks.
        configuration.foreignKeysEnabled = false
        let patience = options.patience
        configuration.busyMode = .callback { tries in
            usleep(2000)
            return Double(tries) * 0.002 < patience
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    private func setUp(_ db: Database) throws {
        // After opening, where nothing overrides it any more.
        try setDurability(options.durability, db)
        try db.execute(sql: "PRAGMA ignore_check_constraints = ON")  // the types of this code guarantee them
        try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
        try db.execute(sql: "PRAGMA secure_delete = ON")  // what is deleted or redacted is overwritten
        try db.execute(sql: "PRAGMA cache_size = -16384")
        try db.execute(sql: "PRAGMA journal_size_limit = \(64 << 20)")
        // Not retained: `logPages` lives as long as this, and the hook is called in its transactions only.
        let context = Unmanaged.passUnretained(logPages).toOpaque()
        sqlite3_wal_hook(
            db.sqliteConnection,
            { context, _, _, pages in
                if let context { Unmanaged<LogPages>.fromOpaque(context).takeUnretainedValue().count = Int(pages) }
                return SQLITE_OK
            }, context)
    }

    private func setDurability(_ durability: WriterOptions.Durability, _ db: Database) throws {
        let level = durability == .full ? 2 : 1
        try db.execute(sql: "PRAGMA synchronous = \(level)")
        #if canImport(Darwin)
            // There, an ordinary fsync leaves the disk's own cache out.
            try db.execute(sql: "PRAGMA fullfsync = \(durability == .full ? "ON" : "OFF")")
        #endif
        let inForce = try db.firstRow("PRAGMA synchronous") { try $0.int(0) }
        guard inForce == level else {
            throw HistoryError(.storage, "cannot set the durability of \(path)")
        }
    }

    /// `full` durability from the next commit on, if it was not.
    func waitForDisk() throws {
        guard options.durability != .full else { return }
        try inTurn { db in try setDurability(.full, db) }
    }

    // MARK: - The files

    /// Refuses to write into files that are not under their names any more.
    private func checkPresence(_ db: Database) throws {
        guard let missing = presence.missing() else { return }
        // A log that lost its name is moved into the history, if nobody began another one: what was committed is not to go
        // with it. In a history that was moved, it makes it whole.
        if access(path + "-wal", F_OK) != 0 || missing == path { try? checkpoint(db, SQLITE_CHECKPOINT_PASSIVE) }
        // Closing must not remove the log of whoever opened the history meanwhile.
        var isKept: Int32 = 1
        sqlite3_file_control(db.sqliteConnection, nil, SQLITE_FCNTL_PERSIST_WAL, &isKept)
        throw HistoryError(
            .notFound,
            "cannot write to \(path): \(missing == path ? "it" : missing) was removed, moved or replaced while a session was "
                + "recorded; put it back where it was. What was committed is in the file that was there")
    }

    // MARK: - Transactions

    /// Runs `body` in this process's turn, in a transaction of its own.
    func transaction<Value>(_ body: (Database, LogTables) throws -> Value) throws -> Value {
        try inTurn { db in
            guard let log else { throw HistoryError(.closed, "the history \(path) is closed") }
            try db.beginTransaction(.immediate)
            do {
                try log.begin(db)
                let value = try body(db, log)
                try log.flush()
                try db.commit()
                return value
            } catch {
                log.rollBack()
                if db.isInsideTransaction { try? db.rollback() }
                throw error
            }
        }
    }

    /// Runs `body` in this process's turn, outside of a transaction.
    func inTurn<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try Self.doing("cannot write to", path) {
            try lockFile.withTurn(patience: options.patience) {
                try queue.inDatabase { db in
                    try checkPresence(db)
                    return try body(db)
                }
            }
        }
    }

    /// Moves what is committed into the file when the write-ahead log has grown, so that it starts anew.
    func checkpointIfDue() throws {
        if logPages.count < logPages.limit - options.checkpointPages {
            logPages.limit = options.checkpointPages
            logPages.checkpoints = 0
            nextLogNotice = options.logNotice
        }
        guard logPages.count >= max(logPages.limit, options.checkpointPages) else { return }
        logPages.checkpoints += 1
        try inTurn { db in try checkpoint(db, SQLITE_CHECKPOINT_PASSIVE) }
    }

    // MARK: - A log that cannot start anew

    /// Whether the log has grown large and checkpoints do not make it start anew: somebody reads what it holds.
    var isLogHeld: Bool { logBytes >= options.logNotice && logPages.checkpoints >= 3 }

    /// Each page stands in the log with 24 bytes that describe it.
    private var logBytes: Int { logPages.count * (16_384 + 24) }

    /// Says how large a log has become that cannot start anew, and who is in the way: once, and again whenever it has doubled.
    func logGrowthNotice() -> String? {
        guard isLogHeld, logBytes >= nextLogNotice else { return nil }
        while nextLogNotice <= logBytes { nextLogNotice *= 2 }
        return
            "\(path)-wal has grown to \(logBytes >> 20) MiB, because \(LockHolder.readers(path) ?? "a program") has been reading the "
            + "history for long in one transaction; end that. Nothing is lost; at \(options.logLimit >> 20) MiB recording stops"
    }

    /// Keeps a log that cannot start anew from growing over its limit: waits for those who read, then gives up.
    func makeRoomInLog() throws {
        guard logBytes >= options.logLimit, logPages.checkpoints > 0 else { return }
        try inTurn { db in
            var pages: Int32 = 0
            // Waits for readers as for others that write.
            let code = sqlite3_wal_checkpoint_v2(db.sqliteConnection, nil, SQLITE_CHECKPOINT_RESTART, &pages, nil)
            if code == SQLITE_OK { return logPages.didRestart() }
            guard code & 0xFF == SQLITE_BUSY else { throw SQLiteFailure(db.sqliteConnection) }
            throw HistoryError(
                .busy,
                "cannot write to \(path): its write-ahead log has reached \(options.logLimit >> 20) MiB, because "
                    + "\(LockHolder.readers(path) ?? "a program") has been reading the history in one transaction, and was waited for "
                    + "\(Int(options.patience)) s; end that transaction, or the program. What was committed is intact")
        }
    }

    /// Moves what is committed into the file, and the end of the file to where its content ends.
    func checkpoint() throws { try inTurn { db in try checkpoint(db, SQLITE_CHECKPOINT_TRUNCATE) } }

    /// Empties the write-ahead log, waiting for those who read in it. Returns whether that came about.
    func emptyLog() throws -> Bool {
        try checkpoint()
        var status = stat()
        return stat(path + "-wal", &status) != 0 || status.st_size == 0
    }

    private func checkpoint(_ db: Database, _ mode: Int32) throws {
        var pages: Int32 = 0
        var done: Int32 = 0
        let code = sqlite3_wal_checkpoint_v2(db.sqliteConnection, nil, mode, &pages, &done)
        // A reader in the way is no failure: the rest is done next time.
        guard code == SQLITE_OK || code & 0xFF == SQLITE_BUSY else { throw SQLiteFailure(db.sqliteConnection) }
        logPages.limit = Int(pages) + options.checkpointPages
    }

    /// Checkpoints and closes; the last one to close removes the write-ahead log.
    func close() {
        // Whatever else fails: statements that are still there would keep the file open.
        queue.inDatabase { _ in log = nil }
        try? inTurn { db in try? checkpoint(db, SQLITE_CHECKPOINT_PASSIVE) }
        try? lockFile.withTurn(patience: options.patience) { try queue.close() }
    }

    private static func doing<Value>(_ what: String, _ path: String, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch { throw HistoryError(error, path: path, doing: what) }
    }
}

extension sigaction {
    /// Whether the signal has its default effect, which for most is to end the process.
    fileprivate var isDefault: Bool {
        #if canImport(Darwin)
            __sigaction_u.__sa_handler == nil
        #else
            __sigaction_handler.sa_handler == nil
        #endif
    }
}
