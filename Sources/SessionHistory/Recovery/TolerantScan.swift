import GRDB
import GRDBSQLite

/// Reads the rows of a table in the order of their ids, past what cannot be read.
struct TolerantScan {
    private let table: String
    private let query: String
    private let probe: String
    /// The last id that was read or given up.
    private var last = Int64.min
    private(set) var isAtEnd = false
    /// Ids between which rows could not be read.
    private(set) var gaps: [ClosedRange<Int64>] = []

    /// - Parameter columns: the first is the row's id.
    init(table: String, id: String, columns: String) {
        self.table = table
        query = "SELECT \(columns) FROM \(table) WHERE \(id) > ? ORDER BY \(id)"
        probe = "SELECT \(columns) FROM \(table) WHERE \(id) >= ? ORDER BY \(id) LIMIT 1"
    }

    /// Reads on until `body` returns false, or to the end. What `body` throws goes to the caller.
    mutating func read(_ db: Database, _ body: (StoredRow) throws -> Bool) throws {
        while !isAtEnd {
            do {
                var wantsMore = true
                var last = last
                defer { self.last = last }
                try db.forEachRow(query, [last]) { row in
                    last = try row.integer(0)
                    wantsMore = try body(row)
                    return wantsMore
                }
                isAtEnd = wantsMore
                return
            } catch where error.isDamage {
                skip(db)
            }
        }
    }

    /// Goes on behind what cannot be read: by growing strides to where something can be, then back to where that begins.
    private mutating func skip(_ db: Database) {
        let start = max(last, -1)
        var unreadable = start
        var distance: Int64 = 1
        while true {
            let (place, isOver) = start.addingReportingOverflow(distance)
            if isOver {
                gaps.append(start + 1...Int64.max)
                isAtEnd = true
                return
            }
            if isReadable(place, db) { return resume(at: place, unreadable: unreadable, after: start, db) }
            unreadable = place
            let (next, isTooFar) = distance.addingReportingOverflow(max(8, distance / 8))
            distance = isTooFar ? .max : next
        }
    }

    private mutating func resume(at place: Int64, unreadable: Int64, after start: Int64, _ db: Database) {
        var (low, high) = (unreadable, place)
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if isReadable(middle, db) { high = middle } else { low = middle }
        }
        gaps.append(start + 1...max(start + 1, high - 1))
        last = high - 1
    }

    private func isReadable(_ place: Int64, _ db: Database) -> Bool {
        do {
            try db.forEachRow(probe, [place]) { _ in false }
            return true
        } catch { return false }
    }
}

extension Error {
    /// Whether the file does not hold what it should at this place, so that it may at another.
    fileprivate var isDamage: Bool {
        guard let failure = self as? SQLiteFailure else { return false }
        return [SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_IOERR, SQLITE_FORMAT].contains(failure.code & 0xFF)
    }
}
