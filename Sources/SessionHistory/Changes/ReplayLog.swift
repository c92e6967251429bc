import GRDB

extension History {
    /// Stores a rerun of a session: its rows are given in the order of their release, then its verdict.
    public func beginReplay(of session: Int64, order: RecordedOrder) throws -> ReplayLog {
        // Its own, as in `begin`.
        let lease = try WriterRegistry.another(writing())
        let replay = try lease.writer.perform { connection in
            try connection.transaction { db, _ in
                let known = try db.firstRow("SELECT 1 FROM session WHERE session = ?", [session]) { try $0.integer(0) }
                guard known != nil else {
                    throw HistoryError(.notFound, "there is no session \(session) in \(connection.path)")
                }
                try db.execute(
                    sql: "INSERT INTO replay(session, frame_order, started_at) VALUES (?, ?, ?)",
                    arguments: [session, order.rawValue, Timestamp.now()])
                return db.lastInsertedRowID
            }
        }
        return ReplayLog(lease: lease, replay: replay)
    }
}

/// A rerun being stored.
public final class ReplayLog: Sendable {
    /// The replay's number in this history.
    public let replay: Int64
    private let lease: WriterLease

    init(lease: WriterLease, replay: Int64) {
        self.lease = lease
        self.replay = replay
    }

    /// Adds what the rerun released next, and commits it. Give a few thousand at a time.
    public func append(_ releases: [ReleaseRow]) throws {
        guard !releases.isEmpty else { return }
        guard !lease.hasEnded else { throw HistoryError(.closed, "replay \(replay) is finished") }
        try lease.writer.perform { [replay] connection in
            try connection.transaction { db, _ in
                let insert = try db.cachedStatement(
                    sql: """
                        INSERT INTO replay_release(replay, stage, batch, upstream, position, branch, frame_id, frame_name,
                            frame_type)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                        """)
                let first =
                    (try db.firstRow("SELECT max(id) FROM replay_release") { try $0.optionalInteger(0) } ?? 0) ?? 0
                for row in releases {
                    let isOrdinaryName = row.frameName == "\(row.frameType)#\(row.frameID)"
                    try insert.execute(arguments: [
                        replay, row.stage, row.batch, row.direction == "upstream", row.position, row.branch,
                        row.frameID,
                        isOrdinaryName ? nil : row.frameName.storable(), row.frameType.storable(),
                    ])
                }
                try db.execute(
                    sql: """
                        UPDATE replay SET first_release = coalesce(first_release, ?), last_release = ? WHERE replay = ?
                        """, arguments: [first + 1, first + Int64(releases.count), replay])
            }
        }
    }

    /// Stores the verdict (`same`, `different`, `failed`) and commits. Nothing can be added after that.
    public func finish(verdict: String, differingBatches: Int) throws {
        defer { lease.end() }
        try lease.writer.perform { [replay] connection in
            try connection.transaction { db, _ in
                try db.execute(
                    sql: "UPDATE replay SET verdict = ?, differing_batches = ? WHERE replay = ?",
                    arguments: [verdict.storable(), differingBatches, replay])
            }
        }
    }
}
