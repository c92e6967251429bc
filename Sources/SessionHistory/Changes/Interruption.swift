import Foundation
import GRDB

/// Sessions whose recording process died: found at the next opening for writing, and closed as interrupted with what is in
/// the history of them.
enum Interruption {
    /// Closes every session whose owner is gone.
    static func repairAll(_ connection: WritingConnection) throws {
        let dead = try connection.transaction { db, _ in
            try db.rows("SELECT session, owner FROM session WHERE state = 'recording'") {
                (session: try $0.integer(0), owner: try $0.optionalInteger(1))
            }
        }.filter { session in
            guard let owner = session.owner, owner != connection.owner else { return session.owner == nil }
            return !connection.lockFile.isAlive(owner)
        }
        try repair(dead.map(\.session), as: .interrupted, connection)
    }

    /// Closes sessions, bringing their counts and extents up to what the log holds.
    static func repair(_ sessions: [Int64], as state: SessionState, _ connection: WritingConnection) throws {
        for session in sessions {
            try connection.transaction { db, _ in try repair(session, as: state, db) }
        }
    }

    private static func repair(_ session: Int64, as state: SessionState, _ db: Database) throws {
        let known = try db.firstRow(
            """
            SELECT inbound, outputs, released, duplicates, bypasses, incidents, events, bytes, duration, counted_to,
                started_at
            FROM session WHERE session = ?
            """, [session]
        ) { row in
            var counts = SessionCounts()
            counts.inbound = try row.integer(0)
            counts.outputs = try row.integer(1)
            counts.released = try row.integer(2)
            counts.duplicates = try row.integer(3)
            counts.bypasses = try row.integer(4)
            counts.incidents = try row.integer(5)
            counts.events = try row.integer(6)
            counts.bytes = try row.integer(7)
            counts.duration = try row.integer(8)
            return (counts: counts, countedTo: try row.integer(9), startedAt: try row.text(10))
        }
        guard let known else { return }
        var counts = known.counts
        let (countedTo, startedAt) = (known.countedTo, known.startedAt)
        let openStart = try db.firstRow(
            "SELECT first_event FROM extent WHERE session = ? AND last_event = ?", [session, SessionRows.openEnd]
        ) { try $0.integer(0) }
        let from = min(openStart ?? .max, countedTo + 1)
        var extents = ExtentTracker(from: openStart ?? from)
        var end = countedTo
        try db.forEachRow(
            "SELECT id, seq, batch, code, time FROM event WHERE id >= ? AND session = ? ORDER BY id", [from, session]
        ) { row in
            let id = try row.integer(0)
            if let openStart, id >= openStart {
                extents.add(event: id, sequence: try row.integer(1), batch: try row.optionalInteger(2) ?? 0)
            }
            if id > countedTo {
                let code = EventCode(rawValue: try row.integer(3))
                if let kind = code.kind { counts.add(kind, time: try row.integer(4)) }
                counts.bytes += 40
                end = id
            }
            return true
        }
        if openStart != nil {
            try SessionRows.deleteOpen(session, db)
            for extent in extents.takeAll() { try SessionRows.insert(session, extent, db) }
        }
        try SessionRows.store(counts, session, countedTo: end, db)
        let endedAt = Timestamp.date(startedAt).map {
            Timestamp.text($0.addingTimeInterval(Double(counts.duration) / 1e9))
        }
        try SessionRows.close(session, state: state, endedAt: endedAt ?? startedAt, db)
    }
}
