import GRDB
import PipelineEngine

/// A redaction under way: goes through a session's part of the log in small transactions.
struct Redacting: Sendable {
    private static let events: Int64 = 2000
    private static let bytes = 16 << 20

    let session: Int64
    let mode: PayloadMode
    /// Ranges of the log that are still to be done.
    private var ranges: [ClosedRange<Int64>]
    private(set) var frames: Int64 = 0

    var isDone: Bool { ranges.isEmpty }

    /// Says of the session that it is being changed: its hashes are void until it is done.
    init(begin session: Int64, keeping mode: PayloadMode, _ db: Database) throws {
        self.session = session
        self.mode = mode
        ranges = try Self.extents(session, db).reversed()
        try db.execute(
            sql: "UPDATE session SET payload = ?, events_hash = NULL, seal = NULL WHERE session = ?",
            arguments: [mode.rawValue, session])
        guard !mode.keepsWords else { return }
        try db.execute(
            sql:
                "UPDATE finding SET detail = 'its words were redacted' WHERE session = ? AND kind IN ('error', 'session-failed')",
            arguments: [session])
        try db.execute(
            sql: """
                UPDATE replay_release SET frame_name = NULL
                WHERE frame_name NOT GLOB frame_type || '#[0-9]*'
                    AND EXISTS (SELECT 1 FROM replay AS r WHERE r.session = ? AND r.replay = replay_release.replay)
                """, arguments: [session])
    }

    /// Where the session's events are, in order.
    private static func extents(_ session: Int64, _ db: Database) throws -> [ClosedRange<Int64>] {
        try db.rows(
            "SELECT first_event, last_event FROM extent WHERE session = ? ORDER BY first_event", [session]
        ) { row in
            let (first, last) = (try row.integer(0), try row.integer(1))
            guard first <= last else { throw WrongValue(column: "last_event", expected: "the end of an extent") }
            return first...last
        }
    }

    /// Takes content out of the next few frames.
    func step(_ db: Database, _ log: LogTables) throws -> Redacting {
        var next = self
        guard let range = next.ranges.popLast() else { return next }
        let reader = FrameReader(.full)
        var end = range.lowerBound
        var count: Int64 = 0
        var rows: [Int64] = []
        var isFull = false
        // First what is to be done, then the doing: a statement that reads does not go on over rows that change.
        try db.forEachRow(
            """
            SELECT \(LogRow.columns("e")),
                coalesce(length(f.text), 0) + coalesce(length(f.payload), 0) + coalesce(length(f.fields), 0)
            FROM event AS e LEFT JOIN frame AS f ON f.id = e.frame
            WHERE e.id BETWEEN ? AND ? AND +e.session = ? ORDER BY e.id
            """, [range.lowerBound, range.upperBound, session]
        ) { columns in
            guard let row = try LogRow(columns) else { return true }
            // The next range begins behind the row's own id: what it further says may be damage, and is no row.
            end = row.id
            rows.append(contentsOf: row.frames)
            // The frames of a row are much alike.
            count += try columns.integer(LogRow.columnCount) &* Int64(row.frames.count)
            isFull = rows.count >= Self.events || count > Self.bytes
            return !isFull
        }
        if !isFull { end = range.upperBound }
        if !mode.keepsWords { try redactNotes(range.lowerBound...end, db) }
        for row in Set(rows) {
            guard let frame = try reader.frame(row, db) else { continue }
            if try log.frames.redact(row, frame, keeping: mode, db) { next.frames += 1 }
        }
        if end < range.upperBound { next.ranges.append(end + 1...range.upperBound) }
        return next
    }

    /// As `SessionEvent.wordlessDetail` does when a session is recorded.
    private func redactNotes(_ range: ClosedRange<Int64>, _ db: Database) throws {
        try db.execute(
            sql: """
                UPDATE note SET detail = CASE WHEN detail LIKE 'id collision:%' AND kind <> 10
                        THEN 'id collision: two different frames of one id' END
                FROM (
                    SELECT e.id AS id, e.code & 15 AS kind, f.name AS name, t.name AS type
                    FROM event AS e LEFT JOIN frame AS f ON f.id = e.frame LEFT JOIN shape AS h ON h.id = f.shape
                        LEFT JOIN frame_type AS t ON t.id = h.type
                    WHERE e.id BETWEEN ?1 AND ?2 AND +e.session = ?3) AS e
                WHERE note.event = e.id AND note.event BETWEEN ?1 AND ?2 AND note.detail IS NOT NULL
                    AND (kind = 10 OR detail LIKE 'id collision:%' OR name NOT GLOB type || '#[0-9]*')
                """, arguments: [range.lowerBound, range.upperBound, session])
    }

    /// Hashes the session anew as it is now, and seals it.
    func finish(_ db: Database) throws {
        var hash = EventsHash()
        for range in try Self.extents(session, db) {
            try LoggedEvent.forEach(of: session, from: range.lowerBound, to: range.upperBound, db) { $0.add(to: &hash) }
        }
        try db.execute(
            sql: "UPDATE session SET events_hash = ? WHERE session = ?",
            arguments: [Int64(bitPattern: hash.value), session])
        try SessionSeal.set(session, db)
    }
}
