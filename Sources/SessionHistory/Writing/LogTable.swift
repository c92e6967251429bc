import GRDBSQLite

/// Appends rows to one table of the log, many with each statement, through SQLite's C interface.
///
/// Rows gather as cells and go to SQLite 64 at a time: a statement for each row costs twice as much. Row ids are the
/// table's next ones in order, unless they are given; those that the row made last takes besides its own are left out. Used by the
/// writer's thread only, inside its transaction.
final class LogTable {
    /// One value of a row.
    struct Cell {
        fileprivate var value: Int64
        /// ≥ 0: so many bytes of text in the arena from `value` on; ≤ -16: bytes of a blob, counted from -16 down.
        fileprivate var size: Int32

        static let null = Cell(value: 0, size: -1)

        @inline(__always)
        static func integer(_ value: Int64) -> Cell { Cell(value: value, size: -2) }
    }

    /// How many rows one statement inserts; the last ones go in smaller pieces.
    private static let pieces = [64, 8, 1]
    private static let capacity = 64
    private static let arenaSize = 1 << 18

    private let db: OpaquePointer
    private let name: String
    /// The id among them.
    private let columns: Int
    private let lastTaken: String
    private var statements: [Statement] = []
    private let cells: UnsafeMutablePointer<Cell>
    private let arena = ByteBuffer(capacity: arenaSize)
    // `@exclusivity(unchecked)`: as in `ByteBuffer`.
    @exclusivity(unchecked) private var rows = 0

    /// The id that the next row will get, and the one that SQLite would give it.
    @exclusivity(unchecked) private(set) var nextID: Int64 = 1
    @exclusivity(unchecked) private var followingID: Int64 = 1

    private struct Statement {
        let rows: Int
        let handle: OpaquePointer
        /// Which parameters are NULL already, so that most need no binding.
        let isNull: UnsafeMutablePointer<Bool>
    }

    /// - Parameters:
    ///   - id: the column that the rows are numbered in; if it has another name, each row is given its number (`row(id:textBytes:)`).
    ///   - columns: all but the id; the last may hold a payload.
    ///   - lastTaken: what of the table's last row is the last id that it takes.
    init(_ db: OpaquePointer, table: String, id: String = "id", columns: [String], lastTaken: String = "id") throws {
        self.db = db
        name = table
        self.lastTaken = lastTaken
        let columns = [id] + columns
        self.columns = columns.count
        cells = .allocate(capacity: Self.capacity * columns.count)
        cells.initialize(repeating: .null, count: Self.capacity * columns.count)
        let row = "(" + columns.map { _ in "?" }.joined(separator: ",") + ")"
        for rows in Self.pieces {
            // OR ROLLBACK: a statement that may fail half way and leave the transaction as it was would first copy each page that
            // it changes into a temporary file. Here a failure ends the transaction anyway.
            let sql =
                "INSERT OR ROLLBACK INTO \(table)(\(columns.joined(separator: ","))) VALUES "
                + Array(repeating: row, count: rows).joined(separator: ",")
            var handle: OpaquePointer?
            let code = sqlite3_prepare_v3(db, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
            guard code == SQLITE_OK, let handle else { throw SQLiteFailure(db) }
            // Given back in `deinit`, with the statement.
            let isNull = UnsafeMutablePointer<Bool>.allocate(capacity: rows * columns.count)
            isNull.initialize(repeating: true, count: rows * columns.count)
            statements.append(Statement(rows: rows, handle: handle, isNull: isNull))
        }
    }

    deinit {
        for statement in statements {
            sqlite3_finalize(statement.handle)
            statement.isNull.deallocate()
        }
        cells.deallocate()
    }

    /// Forgets rows that were not inserted, and learns the table's next id: at the start of each transaction, since
    /// another process may have written since the last.
    func begin() throws {
        forget()
        var handle: OpaquePointer?
        defer { sqlite3_finalize(handle) }
        let sql = "SELECT id, \(lastTaken) FROM \(name) ORDER BY id DESC LIMIT 1"
        guard sqlite3_prepare_v2(db, sql, -1, &handle, nil) == SQLITE_OK else { throw SQLiteFailure(db) }
        switch sqlite3_step(handle) {
        case SQLITE_ROW:
            let (row, taken) = (sqlite3_column_int64(handle, 0), sqlite3_column_int64(handle, 1))
            guard row < .max / 2, taken < .max / 2 else {
                throw HistoryError(
                    .damaged,
                    "the last row of \(name) is numbered \(row), and none can follow; 'lockstep recover' numbers them anew"
                )
            }
            (followingID, nextID) = (row + 1, max(row, taken) + 1)
        case SQLITE_DONE: (followingID, nextID) = (1, 1)
        default: throw SQLiteFailure(db)
        }
    }

    /// Forgets rows that were not inserted: enough where each row is given its id.
    func forget() {
        rows = 0
        arena.removeAll()
    }

    // MARK: - Rows

    /// Makes room for a row with so many bytes of text, and returns its cells, all of which are to be set.
    @inline(__always)
    func row(textBytes: Int = 0) throws -> UnsafeMutablePointer<Cell> {
        let row = try room(textBytes: textBytes)
        row[0] = nextID == followingID ? .null : .integer(nextID)
        nextID += 1
        followingID = nextID
        return row + 1
    }

    /// As `row(textBytes:)`, with this id.
    func row(id: Int64, textBytes: Int) throws -> UnsafeMutablePointer<Cell> {
        let row = try room(textBytes: textBytes)
        row[0] = .integer(id)
        return row + 1
    }

    @inline(__always)
    private func room(textBytes: Int) throws -> UnsafeMutablePointer<Cell> {
        if rows == Self.capacity || (arena.count + textBytes > Self.arenaSize && rows > 0) { try flush() }
        rows += 1
        return cells + (rows - 1) * columns
    }

    /// The cells of the row made last, if it may still be changed.
    @inline(__always)
    var lastRow: UnsafeMutablePointer<Cell>? { rows > 0 ? cells + (rows - 1) * columns + 1 : nil }

    /// Gives the row made last so many more ids.
    @inline(__always)
    func takeIDs(_ count: Int64) { nextID += count }

    /// A cell with these bytes, which are copied.
    @inline(__always)
    func text(_ bytes: UnsafeRawBufferPointer) -> Cell {
        let start = arena.count
        arena.append(bytes)
        return Cell(value: Int64(start), size: Int32(truncatingIfNeeded: bytes.count))
    }

    /// A cell with these bytes as a blob; they are copied.
    @inline(__always)
    func blob(_ bytes: UnsafeRawBufferPointer) -> Cell {
        let start = arena.count
        arena.append(bytes)
        return Cell(value: Int64(start), size: -16 - Int32(truncatingIfNeeded: bytes.count))
    }

    /// Inserts the row made last with `payload` in its last column, without copying it first.
    func finishRow(payload: UnsafeRawBufferPointer) throws {
        rows -= 1
        let last = rows
        try flush(keepingArena: true)
        guard let statement = statements.last else { return }
        bind(statement, firstRow: last)
        let parameter = Int32(columns)
        statement.isNull[columns - 1] = false
        // A NULL pointer would bind NULL instead of no bytes.
        let isBound =
            payload.count == 0
            ? sqlite3_bind_zeroblob(statement.handle, parameter, 0)
            : sqlite3_bind_blob64(statement.handle, parameter, payload.baseAddress, UInt64(payload.count), nil)
        guard isBound == SQLITE_OK else { throw SQLiteFailure(db) }
        try step(statement)
        sqlite3_bind_null(statement.handle, parameter)
        statement.isNull[columns - 1] = true
        arena.removeAll()
    }

    /// Inserts what has gathered.
    func flush() throws { try flush(keepingArena: false) }

    private func flush(keepingArena: Bool) throws {
        var first = 0
        for statement in statements {
            while rows - first >= statement.rows {
                bind(statement, firstRow: first)
                try step(statement)
                first += statement.rows
            }
        }
        rows = 0
        if !keepingArena { arena.removeAll() }
    }

    private func bind(_ statement: Statement, firstRow: Int) {
        let source = cells + firstRow * columns
        let handle = statement.handle
        let isNull = statement.isNull
        for index in 0..<statement.rows * columns {
            let cell = source[index]
            if cell.size == -2 {
                sqlite3_bind_int64(handle, Int32(truncatingIfNeeded: index + 1), cell.value)
                isNull[index] = false
            } else if cell.size >= 0 {
                // The arena outlives the step, and does not move while rows wait: it grows only for a row's own text.
                let bytes = arena.base.assumingMemoryBound(to: CChar.self) + Int(cell.value)
                sqlite3_bind_text(handle, Int32(truncatingIfNeeded: index + 1), bytes, cell.size, nil)
                isNull[index] = false
            } else if cell.size <= -16 {
                let bytes = arena.base + Int(cell.value)
                sqlite3_bind_blob(handle, Int32(truncatingIfNeeded: index + 1), bytes, -16 - cell.size, nil)
                isNull[index] = false
            } else if !isNull[index] {
                sqlite3_bind_null(handle, Int32(truncatingIfNeeded: index + 1))
                isNull[index] = true
            }
        }
    }

    private func step(_ statement: Statement) throws {
        let code = sqlite3_step(statement.handle)
        // The failure is read before the reset, which would report it again.
        if code != SQLITE_DONE {
            let failure = SQLiteFailure(db)
            sqlite3_reset(statement.handle)
            throw failure
        }
        sqlite3_reset(statement.handle)
    }
}
