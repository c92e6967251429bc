import GRDB
import GRDBSQLite

/// One row of a running query. Every value is checked for its type as it is read, since the file may be another's or damaged;
/// GRDB's own subscripts would trap.
///
/// Valid during the call that it is given to.
struct StoredRow {
    fileprivate let handle: OpaquePointer

    /// Asked for once for each value that is read: every `sqlite3_column_*` call looks for it again. SQLite calls it unprotected,
    /// since nothing but the connection's one user at a time protects it; GRDB's queue sees to that.
    @inline(__always)
    private subscript(column: Int) -> StoredValue {
        StoredValue(handle: sqlite3_column_value(handle, Int32(truncatingIfNeeded: column)))
    }

    @inline(__always)
    func isNull(_ column: Int) -> Bool { self[column].type == SQLITE_NULL }

    @inline(__always)
    func integer(_ column: Int) throws -> Int64 {
        let value = self[column]
        guard value.type == SQLITE_INTEGER else { throw wrong(column, "an integer") }
        return value.integer
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
        let value = self[column]
        guard value.type == SQLITE_FLOAT || value.type == SQLITE_INTEGER else { throw wrong(column, "a number") }
        return value.real
    }

    func optionalReal(_ column: Int) throws -> Double? { isNull(column) ? nil : try real(column) }

    /// Text with whatever is in it, NUL included; bytes that are no UTF-8 are replaced.
    ///
    /// - Parameter count: no more bytes than this, nil for all.
    func text(_ column: Int, atMost count: Int? = nil) throws -> String {
        let value = self[column]
        guard value.type == SQLITE_TEXT else { throw wrong(column, "text") }
        let utf8 = value.utf8
        return String(decoding: utf8.prefix(count ?? utf8.count), as: UTF8.self)
    }

    func optionalText(_ column: Int) throws -> String? { isNull(column) ? nil : try text(column) }

    /// The bytes of a text, or of another value as one. Valid until the next row.
    @inline(__always)
    func utf8(_ column: Int) -> UnsafeRawBufferPointer { self[column].utf8 }

    /// The bytes of a blob. Valid until the next row.
    @inline(__always)
    func bytes(_ column: Int) throws -> UnsafeRawBufferPointer? {
        let value = self[column]
        if value.type == SQLITE_NULL { return nil }
        guard value.type == SQLITE_BLOB else { throw wrong(column, "a blob") }
        return value.bytes
    }

    func optionalBytes(_ column: Int) throws -> [UInt8]? { try bytes(column).map(Array.init) }

    /// The value as it is, to be stored elsewhere; text with a NUL in it up to there.
    func value(_ column: Int) -> DatabaseValue {
        let value = self[column]
        return switch value.type {
        case SQLITE_INTEGER: value.integer.databaseValue
        case SQLITE_TEXT: String(decoding: value.utf8, as: UTF8.self).storable().databaseValue
        default: .null
        }
    }

    /// The hash of all its values, each with its type.
    func hash(seed: UInt64) -> UInt64 {
        var hash = seed
        for column in 0..<Int(sqlite3_column_count(handle)) {
            let value = self[column]
            hash = ContentHash.combine(hash, UInt64(truncatingIfNeeded: value.type))
            if value.type == SQLITE_INTEGER {
                hash = ContentHash.combine(hash, UInt64(bitPattern: value.integer))
            } else if value.type != SQLITE_NULL, value.bytes.baseAddress != nil {
                hash = ContentHash.hash(value.bytes, seed: hash)
            }
        }
        return hash
    }

    private func wrong(_ column: Int, _ expected: String) -> WrongValue {
        let name = sqlite3_column_name(handle, Int32(truncatingIfNeeded: column)).map { String(cString: $0) } ?? "?"
        return WrongValue(column: name, expected: expected)
    }
}

/// Valid as long as its row.
private struct StoredValue {
    let handle: OpaquePointer?

    @inline(__always)
    var type: Int32 { sqlite3_value_type(handle) }

    @inline(__always)
    var integer: Int64 { sqlite3_value_int64(handle) }

    var real: Double { sqlite3_value_double(handle) }

    @inline(__always)
    var utf8: UnsafeRawBufferPointer {
        // In this order: asking for the text may turn the value into one, of another length.
        let start = sqlite3_value_text(handle)
        return UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_value_bytes(handle)))
    }

    @inline(__always)
    var bytes: UnsafeRawBufferPointer {
        let start = sqlite3_value_blob(handle)
        return UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_value_bytes(handle)))
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
