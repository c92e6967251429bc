import GRDB
import PipelineEngine

/// An event of the log with all that the hash of its session's events covers.
struct LoggedEvent {
    var id: Int64
    var sequence: Int64
    var time: Int64
    var code: EventCode
    var batch: Int64?
    var place: Int64?
    var arrival: Int64?
    /// The id of the event that it is about, and what the log says of that; nil if it is not there.
    var subject: Int64?
    var subjectSequence: Int64?
    var subjectSession: Int64?
    /// The row of its own frame, and what stands for it in the hash; nil if it is not there.
    var frame: Int64?
    var frameMark: UInt64?
    /// Whether its row's code is one.
    let hasWholeCode: Bool
    /// Whether it is in the same row as the one before.
    private(set) var isFurther = false
    var hasNote: Bool
    var processor: String?
    var detail: String?

    private static let query = """
        SELECT e.id, e.seq, e.time, e.code, e.batch, e.place, e.arrival, e.subject, e.frame, f.frame_id, f.hash, f.name,
            n.event, n.processor, n.detail, \(LogRow.columns)
        FROM event AS e
            LEFT JOIN event AS s ON s.id = e.subject
            LEFT JOIN frame AS f ON f.id = e.frame
            LEFT JOIN note AS n ON n.event = e.id
        WHERE e.id BETWEEN ?1 - \(EventCode.maxFurther) AND ?2 AND +e.session = ?3
            AND e.id + \(EventCode.further(inSQL: "e.code")) >= ?1
        ORDER BY e.id
        """

    /// Calls `body` with each event of a session that has an id between these, in order.
    static func forEach(
        of session: Int64, from first: Int64, to last: Int64, _ db: Database, _ body: (LoggedEvent) throws -> Void
    ) throws {
        try db.forEachRow(query, [first, last, session]) { row in
            var event = try LoggedEvent(row)
            let (start, code) = (event, event.code)
            var subject = try LogRow(row, at: 15)
            for index in 0...code.further {
                event.code = code.member(index)
                if index > 0 { try event.move(to: index, from: start, db) }
                if event.id < first { continue }
                if event.id > last { return false }
                if let about = event.subject {
                    subject = try LogRow.holding(about, known: subject, db)
                    event.subjectSequence = subject?.sequence(of: about)
                    event.subjectSession = subject?.session
                }
                try body(event)
            }
            return true
        }
    }

    /// The first event of a row.
    private init(_ row: StoredRow) throws {
        id = try row.integer(0)
        sequence = try row.integer(1)
        time = try row.integer(2)
        code = EventCode(rawValue: try row.integer(3))
        hasWholeCode = code.isWhole
        batch = try row.optionalInteger(4)
        place = try row.optionalInteger(5)
        arrival = try row.optionalInteger(6)
        subject = try row.optionalInteger(7)
        frame = try row.optionalInteger(8)
        if !row.isNull(9) { frameMark = try Self.mark(row, at: 9) }
        hasNote = !row.isNull(12)
        processor = try row.optionalText(13)
        detail = try row.optionalText(14)
    }

    private static func mark(_ row: StoredRow, at column: Int) throws -> UInt64 {
        FrameHash.mark(
            UInt64(bitPattern: try row.integer(column + 1)), id: try row.integer(column),
            name: row.isNull(column + 2) ? nil : row.utf8(column + 2))
    }

    /// Becomes another event of the row. Numbers of a damaged file may be any.
    private mutating func move(to index: Int64, from start: LoggedEvent, _ db: Database) throws {
        isFurther = true
        id = start.id &+ index
        sequence = start.sequence &+ index
        place = start.place.map { $0 &+ index }
        arrival = start.arrival.map { $0 &+ index }
        subject = start.subject.map { $0 &+ index }
        (hasNote, processor, detail) = (false, nil, nil)
        guard let first = start.frame else { return }
        frame = first &+ index
        frameMark = try db.firstRow("SELECT frame_id, hash, name FROM frame WHERE id = ?", [first &+ index]) { row in
            try Self.mark(row, at: 0)
        }
    }

    func add(to hash: inout EventsHash) {
        hash.add(
            sequence: sequence, time: time, code: code.rawValue, batch: batch ?? 0, place: place ?? -1,
            arrival: arrival ?? -1, subject: subjectSequence ?? 0, frame: frameMark ?? 0)
        if hasNote { hash.addNote(processor: processor, detail: detail) }
    }
}
