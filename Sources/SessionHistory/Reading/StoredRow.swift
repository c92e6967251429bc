import GRDB
import GRDBSQLite

/// One row of a running query. Every value is checked for its type as it is read, since the file may be another's or damaged;
/// GRDB's own subscripts would trap.
///
/// Valid during the call that it is given to.
struct StoredRow {
    fileprivate let handle: OpaquePointer

    @inline(__always)
    private func type(_ column: Int) -> Int32 { sqlite3_column_type(handle, Int32(truncatingIfNeeded: column)) }

    @inline(__always)
    func isNull(_ column: Int) -> Bool { type(column) == SQLITE_NULL }

    @inline(__always)
    func integer(_ column: Int) throws -> Int64 {
        guard type(column) == SQLITE_INTEGER else { throw wrong(column, "an integer") }
        return sqlite3_column_int64(handle, Int32(truncatingIfNeeded: column))
    }

    @inline(__always)
    func optionalInteger(_ column: Int) throws -> Int64? { isNull(column) ? nil : try integer(column) }

    /// A number that is small enough for an `Int` of any machine.
    func int(_ column: Int) throws -> Int {
        guard let value = Int(exactly: try integer(column)) else { throw wrong(column, "a smaller integer") }
        return value
    }

    func optionalInt(_ column: Int) throws -> Int? { isNull(column) ? nil : try int(column) }

    func real(_ column: Int) throws -> Double {
        guard type(column) == SQLITE_FLOAT || type(column) == SQLITE_INTEGER else { throw wrong(column, "a number") }
        return sqlite3_column_double(handle, Int32(truncatingIfNeeded: column))
    }

    func optionalReal(_ column: Int) throws -> Double? { isNull(column) ? nil : try real(column) }

    /// Text with whatever is in it, NUL included; bytes that are no UTF-8 are replaced.
    func text(_ column: Int) throws -> String {
        guard type(column) == SQLITE_TEXT else { throw wrong(column, "text") }
        return String(decoding: utf8(column), as: UTF8.self)
    }

    func optionalText(_ column: Int) throws -> String? { isNull(column) ? nil : try text(column) }

    /// The bytes of a text. Valid until the next row.
    func utf8(_ column: Int) -> UnsafeRawBufferPointer {
        let column = Int32(truncatingIfNeeded: column)
        guard let start = sqlite3_column_text(handle, column) else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
    }

    /// The bytes of a blob. Valid until the next row.
    func bytes(_ column: Int) throws -> UnsafeRawBufferPointer? {
        if isNull(column) { return nil }
        guard type(column) == SQLITE_BLOB else { throw wrong(column, "a blob") }
        let column = Int32(truncatingIfNeeded: column)
        return UnsafeRawBufferPointer(
            start: sqlite3_column_blob(handle, column), count: Int(sqlite3_column_bytes(handle, column)))
    }

    func optionalBytes(_ column: Int) throws -> [UInt8]? {
        if isNull(column) { return nil }
        guard type(column) == SQLITE_BLOB else { throw wrong(column, "a blob") }
        let column = Int32(truncatingIfNeeded: column)
        guard let start = sqlite3_column_blob(handle, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    /// The value as it is, to be stored elsewhere; text with a NUL in it up to there.
    func value(_ column: Int) -> DatabaseValue {
        switch type(column) {
        case SQLITE_INTEGER: sqlite3_column_int64(handle, Int32(truncatingIfNeeded: column)).databaseValue
        case SQLITE_TEXT: String(decoding: utf8(column), as: UTF8.self).storable().databaseValue
        default: .null
        }
    }

    /// The hash of all its values, each with its type.
    func hash(seed: UInt64) -> UInt64 {
        var hash = seed
        for column in 0..<sqlite3_column_count(handle) {
            let type = sqlite3_column_type(handle, column)
            hash = ContentHash.combine(hash, UInt64(truncatingIfNeeded: type))
            if type == SQLITE_INTEGER {
                hash = ContentHash.combine(hash, UInt64(bitPattern: sqlite3_column_int64(handle, column)))
            } else if type != SQLITE_NULL, let start = sqlite3_column_blob(handle, column) {
                let bytes = UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
                hash = ContentHash.hash(bytes, seed: hash)
            }
        }
        return hash
    }

    private func wrong(_ column: Int, _ expected: String) -> WrongValue {
        let name = sqlite3_column_name(handle, Int32(truncatingIfNeeded: column)).map { String(cString: $0) } ?? "?"
        return WrongValue(column: name, expected: expected)
    }
}

/// A value that is not what its column holds.
struct WrongValue: Error, CustomStringConvertible {
    var column: String
    var expected: String

    var description: String { "the column '\(column)' does not hold \(expected)" }
}

extension Database {
    /// Runs a query and gives its rows to `body`, until that returns false.
    func forEachRow(
        _ sql: String, _ arguments: StatementArguments = StatementArguments(), _ body: (StoredRow) throws -> Bool
    ) throws {
        let statement = try cachedStatement(sql: sql)
        try statement.setArguments(arguments)
        let handle = statement.sqliteStatement
        sqlite3_reset(handle)
        defer { sqlite3_reset(handle) }
        while true {
            switch sqlite3_step(handle) {
            case SQLITE_ROW: if try !body(StoredRow(handle: handle)) { return }
            case SQLITE_DONE: return
            default: throw SQLiteFailure(sqliteConnection)
            }
        }
    }

    /// The rows of a query, each as `body` reads it.
    func rows<Value>(
        _ sql: String, _ arguments: StatementArguments = StatementArguments(), _ body: (StoredRow) throws -> Value
    ) throws -> [Value] {
        var values: [Value] = []
        try forEachRow(sql, arguments) {
            values.append(try body($0))
            return true
        }
        return values
    }

    /// The first row of a query, as `body` reads it; nil if there is none.
    func firstRow<Value>(
        _ sql: String, _ arguments: StatementArguments = StatementArguments(), _ body: (StoredRow) throws -> Value
    ) throws -> Value? {
        var value: Value?
        try forEachRow(sql, arguments) {
            value = try body($0)
            return false
        }
        return value
    }
}
