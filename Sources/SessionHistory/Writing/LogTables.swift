import Foundation
import GRDB
import GRDBSQLite

/// The tables to which recording appends. Used by the writer's thread only, inside its transaction.
final class LogTables {
    let events: LogTable
    let frames: FrameWriter
    let patterns = PatternCatalogue()
    private let times: LogTable
    private let scratch = ByteBuffer(capacity: 4096)
    private let maxDetail: Int
    private let note: Statement
    private let code: Statement
    private let timesAnew: Statement
    private let dropped: Statement

    init(_ db: Database, limits: ContentLimits) throws {
        guard let handle = db.sqliteConnection else {
            throw HistoryError(.closed, "the history is closed")
        }
        events = try LogTable(
            handle, table: "event",
            columns: ["session", "seq", "time", "code", "batch", "place", "arrival", "subject", "frame"],
            lastTaken: "id + \(EventCode.further(inSQL: "code"))")
        frames = try FrameWriter(db, handle, limits: limits)
        times = try LogTable(
            handle, table: "event_times", id: "event", columns: ["unit", "bytes", "first_bytes", "step_bytes", "times"])
        maxDetail = limits.nameBytes
        note = try db.makeStatement(sql: "INSERT INTO note(event, processor, detail) VALUES (?, ?, ?)")
        code = try db.makeStatement(sql: "UPDATE event SET code = ? WHERE id = ?")
        timesAnew = try db.makeStatement(
            sql: """
                INSERT OR REPLACE INTO event_times(event, unit, bytes, first_bytes, step_bytes, times) VALUES (?, ?, ?, ?, ?, ?)
                """)
        dropped = try db.makeStatement(sql: "INSERT OR IGNORE INTO dropped_output(output) VALUES (?)")
    }

    /// Once per transaction, before anything is appended.
    func begin(_ db: Database) throws {
        try events.begin()
        times.forget()
        try frames.begin(db)
    }

    /// Hands over what has gathered: before the transaction is committed, and before anything reads.
    func flush() throws {
        try events.flush()
        try times.flush()
        try frames.flush()
    }

    func rollBack() {
        frames.rollBack()
        patterns.reset()
    }

    /// Says when the events of a row were.
    ///
    /// - Parameter isNew: whether that was not said before.
    func setTimes(_ eventTimes: EventTimes, of row: Int64, isNew: Bool) throws {
        let widths = eventTimes.widths
        let bytes = widths.first + (eventTimes.steps - 1) * widths.step
        scratch.removeAll()
        eventTimes.write(widths, to: scratch)
        let digits = scratch.bytes(0..<scratch.count)
        guard isNew else {
            try times.flush()
            return try timesAnew.execute(arguments: [
                row, eventTimes.unit, bytes, widths.first, widths.step, Data(digits),
            ])
        }
        let cells = try times.row(id: row, textBytes: digits.count)
        cells[0] = .integer(eventTimes.unit)
        cells[1] = .integer(Int64(bytes))
        cells[2] = .integer(Int64(widths.first))
        cells[3] = .integer(Int64(widths.step))
        cells[4] = times.blob(digits)
    }

    /// Changes what an earlier row says of how many events it has. It is the last of the log, and stays it.
    func setCode(_ rowCode: EventCode, of row: Int64) throws {
        try events.flush()
        try code.execute(arguments: [rowCode.rawValue, row])
    }

    func addNote(_ event: Int64, _ processor: String?, _ detail: String?, to hash: inout EventsHash) throws {
        let processor = processor?.storable(maxBytes: maxDetail)
        let detail = detail?.storable(maxBytes: maxDetail)
        try note.execute(arguments: [event, processor, detail])
        hash.addNote(processor: processor, detail: detail)
    }

    func addDropped(_ output: Int64) throws { try dropped.execute(arguments: [output]) }
}
