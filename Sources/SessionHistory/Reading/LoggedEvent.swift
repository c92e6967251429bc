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
    /// Whether its row says what all of its events are.
    let hasWholeRow: Bool
    /// Whether it is in the same row as the one before.
    let isFurther: Bool
    var hasNote = false
    var processor: String?
    var detail: String?

    private static let query = """
        SELECT \(LogRow.columns("e")), f.frame_id, f.hash, f.name, n.event, n.processor, n.detail, \(LogRow.columns("s"))
        FROM event AS e
            LEFT JOIN event AS s ON s.id = iif(\(EventCode.isPatterned(inSQL: "e.code")), NULL, e.subject)
            LEFT JOIN frame AS f ON f.id = e.frame
            LEFT JOIN note AS n ON n.event = e.id
        WHERE e.id BETWEEN ?1 - \(EventCode.maxFurther) AND ?2 AND +e.session = ?3
            AND e.id + \(EventCode.further(inSQL: "e.code")) >= ?1
        ORDER BY e.id
        """

    /// Calls `body` with each event of a session that has an id between these, in order. Of a damaged row, with those of which it
    /// is known what they are.
    static func forEach(
        of session: Int64, from first: Int64, to last: Int64, _ db: Database, _ body: (LoggedEvent) throws -> Void
    ) throws {
        let patterns = PatternReader()
        try db.forEachRow(query, [first, last, session]) { columns in
            guard var row = try LogRow(columns) else { return true }
            try row.complete(patterns, db)
            var next = LogRow.columnCount
            // The frame of the row's first event, and of the one that had one last.
            var known = (frame: row.frame, mark: columns.isNull(next) ? nil : try mark(columns, at: next))
            next += 3
            var subject = try LogRow(columns, at: next + 3)
            if row.code.isPatterned { subject = row } else { try subject?.complete(patterns, db, withTimes: false) }
            let isWhole = row.isWhole
            for index in 0...row.code.further {
                guard let member = row.member(index) else { continue }
                if member.id < first { continue }
                if member.id > last { return false }
                var event = LoggedEvent(member, hasWholeRow: isWhole, isFurther: index > 0)
                if let about = member.subject {
                    subject = try LogRow.holding(about, known: subject, patterns, db)
                    event.subjectSequence = subject?.sequence(of: about)
                    event.subjectSession = subject?.session
                }
                if let frame = member.frame {
                    if known.frame != frame { known = (frame, try mark(of: frame, db)) }
                    event.frameMark = known.mark
                }
                if index == 0, !columns.isNull(next) {
                    event.hasNote = true
                    event.processor = try columns.optionalText(next + 1)
                    event.detail = try columns.optionalText(next + 2)
                }
                try body(event)
            }
            return true
        }
    }

    private init(_ member: LogRow.Member, hasWholeRow: Bool, isFurther: Bool) {
        id = member.id
        sequence = member.sequence
        time = member.time
        code = member.code
        batch = member.batch
        place = member.place
        arrival = member.arrival
        subject = member.subject
        frame = member.frame
        self.hasWholeRow = hasWholeRow
        self.isFurther = isFurther
    }

    private static func mark(of frame: Int64, _ db: Database) throws -> UInt64? {
        try db.firstRow("SELECT frame_id, hash, name FROM frame WHERE id = ?", [frame]) { try mark($0, at: 0) }
    }

    private static func mark(_ row: StoredRow, at column: Int) throws -> UInt64 {
        FrameHash.mark(
            UInt64(bitPattern: try row.integer(column + 1)), id: try row.integer(column),
            name: row.isNull(column + 2) ? nil : row.utf8(column + 2))
    }

    func add(to hash: inout EventsHash) {
        hash.add(
            sequence: sequence, time: time, code: code.rawValue, batch: batch ?? 0, place: place ?? -1,
            arrival: arrival ?? -1, subject: subjectSequence ?? 0, frame: frameMark ?? 0)
        if hasNote { hash.addNote(processor: processor, detail: detail) }
    }
}
