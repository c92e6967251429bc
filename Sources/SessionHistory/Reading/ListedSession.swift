import GRDB

/// What a list of the sessions says of each: less than `SessionSummary`, since lists are long and most of the time goes into reading
/// what they do not show.
package struct ListedSession: Sendable {
    package let session: Int64
    /// The first 8 characters of the uuid.
    package let uuidBeginning: String
    /// Its name, else where it came from; empty if neither is known.
    package let nameOrSource: String
    package let state: SessionState
    /// ISO 8601, UTC.
    package let startedAt: String
    /// nil while it is recorded.
    package let durationMs: Double?
    package let inbound: Int64
    package let outputs: Int64
    package let released: Int64
    package let findings: Int64

    /// Those behind the session `last`, oldest first, and at most so many.
    static func found(after last: Int64, atMost limit: Int, _ db: Database, lockFile: LockFile?) throws
        -> [ListedSession]
    {
        try db.rows(
            """
            SELECT session, uuid, coalesce(name, source, '') AS name, state, started_at, duration / 1e6, inbound, outputs,
                released, incidents + findings, owner
            FROM session WHERE session > ? ORDER BY session LIMIT ?
            """, [last, limit]
        ) { row in try ListedSession(row, lockFile: lockFile) }
    }

    private init(_ row: StoredRow, lockFile: LockFile?) throws {
        session = try row.integer(0)
        uuidBeginning = try row.text(1, atMost: 8)
        nameOrSource = try row.text(2)
        state = try SessionState(row, at: 3, owner: 10, lockFile: lockFile)
        startedAt = try row.text(4)
        durationMs = try row.optionalReal(5)
        inbound = try row.integer(6)
        outputs = try row.integer(7)
        released = try row.integer(8)
        findings = try row.integer(9)
    }
}
