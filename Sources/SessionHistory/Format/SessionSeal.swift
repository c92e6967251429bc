import GRDB

/// The hash in a closed session's row over all that is said of the session besides its events: who it was, its counts, stages,
/// branches, findings, and where its events are.
enum SessionSeal {
    /// Rows in this order, each value with its type.
    private static let questions = [
        """
        SELECT uuid, name, source, state, started_at, ended_at, duration, inbound, outputs, released, duplicates, bypasses,
            incidents, stages, findings, events, counted_to, events_hash, payload, imported
        FROM session WHERE session = ?
        """,
        "SELECT stage, name, frame_order, parent FROM stage WHERE session = ? ORDER BY stage",
        "SELECT stage, branch, name, processors FROM branch WHERE session = ? ORDER BY stage, branch",
        """
        SELECT number, seq, stage, batch, branch, kind, severity, detail FROM finding WHERE session = ? ORDER BY number
        """,
        """
        SELECT first_event, last_event, first_seq, min_batch, max_batch FROM extent WHERE session = ? ORDER BY first_event
        """,
    ]

    /// The seal that the session's rows give.
    static func compute(_ session: Int64, _ db: Database) throws -> Int64 {
        var hash: UInt64 = 0
        for question in questions {
            hash = ContentHash.combine(hash, 1)
            try db.forEachRow(question, [session]) { row in
                hash = row.hash(seed: hash)
                return true
            }
        }
        return Int64(bitPattern: hash)
    }

    /// Seals a session that is closed.
    static func set(_ session: Int64, _ db: Database) throws {
        try db.execute(
            sql: "UPDATE session SET seal = ? WHERE session = ?", arguments: [compute(session, db), session])
    }

    /// Seals a session anew after what it covers was changed, if it was sealed.
    static func renew(_ session: Int64, _ db: Database) throws {
        let isSealed = try db.firstRow("SELECT seal IS NOT NULL FROM session WHERE session = ?", [session]) {
            try $0.integer(0) == 1
        }
        if isSealed ?? false { try set(session, db) }
    }
}
