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
            SELECT \(SessionCounts.columns), counted_to, started_at, events_hash FROM session WHERE session = ?
            """, [session]
        ) { row in
            let next = SessionCounts.columnCount
            return (
                counts: try SessionCounts(row), countedTo: try row.integer(next), startedAt: try row.text(next + 1),
                hash: EventsHash(value: UInt64(bitPattern: try row.optionalInteger(next + 2) ?? 0))
            )
        }
        guard let known else { return }
        var counts = known.counts
        var hash = known.hash
        let (countedTo, startedAt) = (known.countedTo, known.startedAt)
        let openStart = try db.firstRow(
            "SELECT first_event FROM extent WHERE session = ? AND last_event = ?", [session, SessionRows.openEnd]
        ) { try $0.integer(0) }
        let from = min(openStart ?? .max, max(countedTo, countedTo &+ 1))
        var extents = ExtentTracker(from: openStart ?? from)
        var end = countedTo
        try LoggedEvent.forEach(of: session, from: from, to: .max, db) { event in
            if let openStart, event.id >= openStart {
                extents.add(
                    event: event.id, sequence: event.sequence, batch: event.batch ?? 0, continuesRow: event.isFurther)
            }
            if event.id > countedTo {
                if let kind = event.code.kind { counts.add(kind, time: event.time) }
                counts.bytes += 40
                event.add(to: &hash)
                end = event.id
            }
        }
        if openStart != nil {
            try SessionRows.deleteOpen(session, db)
            for extent in extents.takeAll() { try SessionRows.insert(session, extent, db) }
        }
        try SessionRows.store(counts, hash, session, countedTo: end, db)
        let endedAt = Timestamp.date(startedAt).map {
            Timestamp.text($0.addingTimeInterval(Double(counts.duration) / 1e9))
        }
        try SessionRows.close(session, state: state, endedAt: endedAt ?? startedAt, db)
    }
}
