import GRDB

extension SessionSummary {
    /// The sessions that a clause finds.
    ///
    /// - Parameters:
    ///   - clause: SQL behind `FROM session`: which ones, and in which order.
    ///   - lockFile: tells which recording processes live; nil if there is none, and then none does.
    static func found(
        _ clause: String, _ arguments: StatementArguments, _ db: Database, lockFile: LockFile?
    ) throws -> [SessionSummary] {
        try db.rows(
            """
            SELECT session, uuid, name, source, state, started_at, ended_at, duration / 1e6, stages, inbound, outputs,
                released, duplicates, bypasses, incidents + findings, payload, owner
            FROM session \(clause)
            """, arguments
        ) { row in try SessionSummary(row, lockFile: lockFile) }
    }

    private init(_ row: StoredRow, lockFile: LockFile?) throws {
        guard let payload = PayloadMode(rawValue: try row.text(15)) else {
            throw WrongValue(column: "payload", expected: "what is kept of frames")
        }
        self.init(
            session: try row.integer(0), uuid: try row.text(1), name: try row.optionalText(2),
            source: try row.optionalText(3), state: try SessionState(row, at: 4, owner: 16, lockFile: lockFile),
            startedAt: try row.text(5),
            endedAt: try row.optionalText(6), durationMs: try row.optionalReal(7), stages: try row.int(8),
            inbound: try row.integer(9), outputs: try row.integer(10), released: try row.integer(11),
            duplicates: try row.integer(12), bypasses: try row.integer(13), findings: try row.integer(14),
            payload: payload)
    }
}

extension SessionState {
    /// Of a session as it is now: its process may have died, which the file will say when it is next opened for writing.
    ///
    /// - Parameters:
    ///   - owner: the column that tells who records it.
    ///   - lockFile: tells which recording processes live; nil if there is none, and then none does.
    init(_ row: StoredRow, at column: Int, owner: Int, lockFile: LockFile?) throws {
        guard let state = SessionState(rawValue: try row.text(column)) else {
            throw WrongValue(column: "state", expected: "the state of a session")
        }
        self = state
        if state == .recording, try row.optionalInteger(owner).map({ lockFile?.isAlive($0) ?? false }) != true {
            self = .interrupted
        }
    }
}
