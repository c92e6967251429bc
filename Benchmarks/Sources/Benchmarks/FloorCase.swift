import CSQLite

/// Writes the rows of a recorded session again with nothing but the SQLite C API: into the same tables, with the same page
/// size, journal, durability, rows a statement and events a transaction. What a recording could reach at the best.
struct FloorCase {
    /// The history whose rows are written again.
    var source: String
    var target: String
    /// Inbound frames that the source holds, to give a rate of the same unit.
    var frames: Int
    private static let eventsPerTransaction = 16_384
    private static let checkpointPages: Int32 = 512

    func run() throws {
        removeHistory(target)
        let input = try SQLite(source, readOnly: true)
        let output = try SQLite(target, readOnly: false)
        try output.execute("PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL")
        for table in ["event", "frame"] {
            try output.execute(try input.text("SELECT sql FROM sqlite_schema WHERE name = '\(table)'"))
        }
        try output.execute(
            """
            PRAGMA synchronous = NORMAL; PRAGMA ignore_check_constraints = ON; PRAGMA wal_autocheckpoint = 0;
            PRAGMA cache_size = -16384; PRAGMA foreign_keys = OFF
            """)
        output.watchLog()
        let events = try Rows(input, "event")
        let contents = try Rows(input, "frame")
        let eventInsert = try Inserter(output, "event", columns: events.columns)
        let frameInsert = try Inserter(output, "frame", columns: contents.columns)

        let cpu = OwnUsage.cpuSeconds
        let start = monotonicTime()
        var event = 0
        var content = 0
        while event < events.count || content < contents.count {
            try output.execute("BEGIN IMMEDIATE")
            let eventsEnd = min(events.count, event + Self.eventsPerTransaction)
            // Contents in step with the events that mention them.
            let contentsEnd =
                eventsEnd == events.count ? contents.count : contents.count * eventsEnd / events.count
            try frameInsert.insert(contents, content..<contentsEnd)
            try eventInsert.insert(events, event..<eventsEnd)
            (event, content) = (eventsEnd, contentsEnd)
            try output.execute("COMMIT")
            try output.checkpoint(whenPages: Self.checkpointPages)
        }
        let elapsed = seconds(since: start)
        report("frames_per_s", Double(frames) / elapsed)
        report("rows_per_s", Double(events.count + contents.count) / elapsed)
        report("rows", Double(events.count + contents.count))
        report("mb_per_s", Double(contents.bytes) / 1e6 / elapsed)
        report("cpu_us_per_frame", (OwnUsage.cpuSeconds - cpu) * 1e6 / Double(frames))
    }
}

/// All rows of a table, in memory.
private struct Rows {
    enum Value {
        case null
        case integer(Int64)
        case text(Int, Int32)
        case blob(Int, Int32)
    }

    private(set) var values: [Value] = []
    private(set) var arena: [UInt8] = []
    let columns: [String]
    var count: Int { values.count / columns.count }
    var bytes: Int { arena.count }

    init(_ db: SQLite, _ table: String) throws {
        var columns: [String] = []
        try db.forEachRow("SELECT name FROM pragma_table_info('\(table)') ORDER BY cid") { statement in
            columns.append(String(cString: sqlite3_column_text(statement, 0)))
        }
        // The id is the next one; those that a recording leaves out behind a run take nothing.
        self.columns = Array(columns.dropFirst())
        var values: [Value] = []
        var arena: [UInt8] = []
        let list = self.columns.joined(separator: ", ")
        try db.forEachRow("SELECT \(list) FROM \(table) ORDER BY id") { statement in
            for column in 0..<Int32(columns.count - 1) {
                let size = sqlite3_column_bytes(statement, column)
                switch sqlite3_column_type(statement, column) {
                case SQLITE_NULL: values.append(.null)
                case SQLITE_INTEGER: values.append(.integer(sqlite3_column_int64(statement, column)))
                case SQLITE_TEXT:
                    values.append(.text(arena.count, size))
                    arena.append(
                        contentsOf: UnsafeBufferPointer(start: sqlite3_column_text(statement, column), count: Int(size))
                    )
                default:
                    values.append(.blob(arena.count, size))
                    arena.append(
                        contentsOf: UnsafeRawBufferPointer(
                            start: sqlite3_column_blob(statement, column), count: Int(size)))
                }
            }
        }
        self.values = values
        self.arena = arena
    }
}

/// Inserts rows, 64 with each statement.
private final class Inserter {
    private static let pieces = [64, 8, 1]
    private let db: SQLite
    private let statements: [OpaquePointer]
    private let columns: Int

    init(_ db: SQLite, _ table: String, columns: [String]) throws {
        self.db = db
        self.columns = columns.count
        let row = "(" + columns.map { _ in "?" }.joined(separator: ",") + ")"
        // OR ROLLBACK, as in a recording: needs no journal for each statement.
        statements = try Self.pieces.map { rows in
            try db.prepare(
                "INSERT OR ROLLBACK INTO \(table)(\(columns.joined(separator: ","))) VALUES "
                    + Array(repeating: row, count: rows).joined(separator: ","))
        }
    }

    deinit { for statement in statements { sqlite3_finalize(statement) } }

    func insert(_ rows: Rows, _ range: Range<Int>) throws {
        try rows.values.withUnsafeBufferPointer { values in
            try rows.arena.withUnsafeBytes { arena in
                var next = range.lowerBound
                for (statement, size) in zip(statements, Self.pieces) {
                    while range.upperBound - next >= size {
                        for index in 0..<size * columns {
                            let parameter = Int32(truncatingIfNeeded: index + 1)
                            switch values[next * columns + index] {
                            case .null: sqlite3_bind_null(statement, parameter)
                            case .integer(let value): sqlite3_bind_int64(statement, parameter, value)
                            case .text(let start, let count):
                                let bytes = arena.baseAddress?.advanced(by: start).assumingMemoryBound(to: CChar.self)
                                sqlite3_bind_text(statement, parameter, bytes, count, nil)
                            case .blob(let start, let count):
                                sqlite3_bind_blob(
                                    statement, parameter, arena.baseAddress?.advanced(by: start), count, nil)
                            }
                        }
                        guard sqlite3_step(statement) == SQLITE_DONE else { throw Failure(db.message) }
                        sqlite3_reset(statement)
                        next += size
                    }
                }
            }
        }
    }
}

/// A connection through the C API.
private final class SQLite {
    private let handle: OpaquePointer
    /// How long the write-ahead log is.
    private let logPages = UnsafeMutablePointer<Int32>.allocate(capacity: 1)

    init(_ path: String, readOnly: Bool) throws {
        var handle: OpaquePointer?
        let flags = readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        guard sqlite3_open_v2(path, &handle, flags, nil) == SQLITE_OK, let handle else {
            throw Failure("cannot open \(path)")
        }
        self.handle = handle
        logPages.initialize(to: 0)
    }

    deinit {
        sqlite3_close(handle)
        logPages.deallocate()
    }

    var message: String { String(cString: sqlite3_errmsg(handle)) }

    func execute(_ sql: String) throws {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw Failure("\(message): \(sql)") }
    }

    func prepare(_ sql: String) throws -> OpaquePointer {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil) == SQLITE_OK,
            let statement
        else { throw Failure("\(message): \(sql)") }
        return statement
    }

    func forEachRow(_ sql: String, _ take: (OpaquePointer) -> Void) throws {
        let statement = try prepare(sql)
        defer { sqlite3_finalize(statement) }
        while sqlite3_step(statement) == SQLITE_ROW { take(statement) }
    }

    func text(_ sql: String) throws -> String {
        var text = ""
        try forEachRow(sql) { text = String(cString: sqlite3_column_text($0, 0)) }
        return text
    }

    /// Learns how long the write-ahead log is after each commit. After `wal_autocheckpoint`, which would take the hook away.
    func watchLog() {
        sqlite3_wal_hook(
            handle,
            { context, _, _, pages in
                context?.assumingMemoryBound(to: Int32.self).pointee = pages
                return SQLITE_OK
            }, logPages)
    }

    /// Starts the write-ahead log anew when it has grown.
    func checkpoint(whenPages limit: Int32) throws {
        if logPages.pointee < limit { return }
        sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
    }
}
