import GRDB
import GRDBSQLite

/// Reads the rows of a table in the order of their ids, past what cannot be read.
///
/// Ends whatever is in the file: every time that reading fails, it goes on at a higher id than the time before, and by growing
/// strides unless a row of a higher id was read in between, of which there are only so many.
struct TolerantScan {
    private let query: String
    private let probe: String
    /// The last id that was read or given up, and the one before.
    private var last = Int64.min
    private var beforeLast = Int64.min
    /// Ids that stand among lower ones: wrong, and not to be read twice.
    private var strange: Set<Int64> = []
    /// Where reading failed last, whether a row behind that was read since, and by how much to go on if none was.
    private var failedAt: Int64 = -1
    private var hasAdvanced = true
    private var stride: Int64 = 1
    private(set) var isAtEnd = false
    /// Ids between which rows could not be read.
    private(set) var gaps: [ClosedRange<Int64>] = []

    /// - Parameter columns: the first is the row's id.
    init(table: String, id: String, columns: String) {
        query = "SELECT \(columns) FROM \(table) WHERE \(id) > ? ORDER BY \(id)"
        probe = "SELECT \(columns) FROM \(table) WHERE \(id) >= ? ORDER BY \(id) LIMIT 1"
    }

    /// Reads on until `body` returns false, or to the end. What `body` throws goes to the caller.
    mutating func read(_ db: Database, _ body: (StoredRow) throws -> Bool) throws {
        while !isAtEnd {
            do {
                var wantsMore = true
                try db.forEachRow(query, [last]) { row in
                    guard note(try row.integer(0)) else { return true }
                    wantsMore = try body(row)
                    return wantsMore
                }
                isAtEnd = wantsMore
                return
            } catch let error where error.isDamage {
                skip(db)
            }
        }
    }

    /// Notes where the scan is; false for a row that was read before.
    private mutating func note(_ id: Int64) -> Bool {
        if strange.contains(id) { return false }
        if id > last, id > failedAt { hasAdvanced = true }
        if id > last {
            (beforeLast, last) = (last, id)
        } else if id > beforeLast {
            // It is in step with the one before the last, which then was too high.
            if strange.count < 10_000 { strange.insert(last) }
            last = id
        }
        return true
    }

    /// Goes on behind what cannot be read: by growing strides to where something can be, then back to where that begins.
    private mutating func skip(_ db: Database) {
        var start = max(last, failedAt)
        if !hasAdvanced {
            start = start.addingReportingOverflow(stride).overflow ? .max : start + stride
            stride = stride > .max / 2 ? .max : stride * 2
        } else {
            stride = 1
        }
        failedAt = start
        hasAdvanced = false
        var unreadable = start
        var distance: Int64 = 1
        while true {
            let (place, isOver) = start.addingReportingOverflow(distance)
            if isOver || distance == .max {
                gaps.append(min(start, .max - 1) + 1...Int64.max)
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
        (beforeLast, last) = (last, high - 1)
    }

    private func isReadable(_ place: Int64, _ db: Database) -> Bool {
        do {
            var isThere = true
            try db.forEachRow(probe, [place]) { row in
                isThere = try row.integer(0) >= place
                return false
            }
            return isThere
        } catch { return false }
    }
}

extension Error {
    /// Whether the file does not hold what it should at this place, so that it may at another.
    fileprivate var isDamage: Bool {
        if self is WrongValue { return true }
        guard let failure = self as? SQLiteFailure else { return false }
        return [SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_IOERR, SQLITE_FORMAT].contains(failure.code & 0xFF)
    }
}
