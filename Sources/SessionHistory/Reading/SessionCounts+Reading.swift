extension SessionCounts {
    /// The columns of `session` that hold them, to stand first in a query.
    static let columns = "inbound, outputs, released, duplicates, bypasses, incidents, events, bytes, duration"
    /// Where the columns behind them begin.
    static let columnCount = 9

    /// - Throws: `WrongValue` for what is no count.
    init(_ row: StoredRow) throws {
        inbound = try row.integer(0)
        outputs = try row.integer(1)
        released = try row.integer(2)
        duplicates = try row.integer(3)
        bypasses = try row.integer(4)
        incidents = try row.integer(5)
        events = try row.integer(6)
        bytes = try row.integer(7)
        duration = try row.integer(8)
    }
}
