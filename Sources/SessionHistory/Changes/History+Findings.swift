import GRDB

extension History {
    /// Stores findings of a session that its events do not show by themselves.
    public func add(_ findings: [Finding], to session: Int64) throws {
        let lease = try writing()
        try lease.writer.perform { connection in
            try connection.transaction { db, _ in
                var number =
                    try db.firstRow("SELECT coalesce(max(number), 0) FROM finding WHERE session = ?", [session]) {
                        try $0.integer(0)
                    } ?? 0
                try db.execute(
                    sql: "UPDATE session SET findings = findings + ? WHERE session = ?",
                    arguments: [findings.count, session])
                for finding in findings {
                    number += 1
                    try db.execute(
                        sql: """
                            INSERT INTO finding(session, number, seq, stage, batch, branch, kind, severity, detail)
                            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                            """,
                        arguments: [
                            session, number, finding.sequence, finding.stage, finding.batch, finding.branch,
                            finding.kind.storable(), finding.severity.rawValue, finding.detail.storable(),
                        ])
                }
                try SessionSeal.renew(session, db)
            }
        }
    }
}
