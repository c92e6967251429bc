import GRDB
import PipelineEngine

extension History {
    /// Calls `body` with every batch and each branch's part in it, in the order in which the batches ended, open ones last,
    /// until it returns false. In bounded memory.
    ///
    /// - Parameters:
    ///   - stage: only batches of this stage.
    ///   - batches: only these.
    public func forEachBatch(
        of session: Int64, stage: Int? = nil, batches: ClosedRange<Int64>? = nil,
        _ body: (BatchSummary, [BranchBarrier]) throws -> Bool
    ) throws {
        let definition = try definition(of: session)
        func give(_ batch: RecordedBatch) throws -> Bool {
            let stages = definition.stages
            let branches = stages.indices.contains(batch.stage) ? stages[batch.stage].branches.count : 0
            return try body(batch.summary, batch.barriers(branches: branches))
        }
        var assembler = BatchAssembler()
        var goesOn = true
        try forEachEvent(of: session, content: .order, stage: stage, batches: batches) { event in
            for batch in assembler.add(event) where goesOn { goesOn = try give(batch) }
            return goesOn
        }
        for batch in assembler.unfinished() where goesOn { goesOn = try give(batch) }
    }

    /// How each branch did over the whole session.
    public func branches(of session: Int64) throws -> [BranchSummary] {
        var summaries: [[BranchSummary]] = try definition(of: session).stages.map { stage in
            stage.branches.map {
                BranchSummary(stage: stage.number, branch: $0.number, name: $0.name, processors: $0.processors)
            }
        }
        try forEachBatch(of: session) { _, barriers in
            for barrier in barriers where summaries.indices.contains(barrier.stage) {
                guard summaries[barrier.stage].indices.contains(barrier.branch) else { continue }
                summaries[barrier.stage][barrier.branch].add(barrier)
            }
            return true
        }
        return summaries.flatMap { $0 }
    }

    /// The order of release that the view `release_order` gives, by stage, batch, direction (upstream first) and position.
    ///
    /// - Parameters:
    ///   - stage: only that of this stage.
    ///   - batches: only that of these batches. A whole session of a million batches takes a minute and its rows' memory.
    public func releases(
        of session: Int64, order: RecordedOrder, stage: Int? = nil, batches: ClosedRange<Int64>? = nil
    ) throws -> [ReleaseRow] {
        try reader.read { db in
            try db.rows(
                """
                SELECT stage, batch, direction, position, branch, frame_id, frame_name, frame_type, text FROM release_order
                WHERE session = ? AND frame_order = ? AND (?3 IS NULL OR stage = ?3) AND batch BETWEEN ? AND ?
                ORDER BY stage, batch, direction DESC, position
                """,
                [session, order.rawValue, stage, batches?.lowerBound ?? .min, batches?.upperBound ?? .max]
            ) { row in
                ReleaseRow(
                    stage: try row.int(0), batch: try row.integer(1), direction: try row.text(2),
                    position: try row.int(3), branch: try row.optionalInt(4), frameID: try row.integer(5),
                    frameName: try row.text(6), frameType: try row.text(7), text: try row.optionalText(8))
            }
        }
    }

    /// What no healthy session shows: derived from its events, and stored with `add(_:to:)`; by sequence.
    public func findings(of session: Int64) throws -> [Finding] { try findings(of: session, in: "findings") }

    /// Those that were stored with `add(_:to:)`: what a copy of the session has to bring along beside its events.
    public func storedFindings(of session: Int64) throws -> [Finding] { try findings(of: session, in: "finding") }

    private func findings(of session: Int64, in table: String) throws -> [Finding] {
        try reader.read { db in try Finding.stored(of: session, in: table, db) }
    }

    /// The stored reruns of a session, oldest first.
    public func replays(of session: Int64) throws -> [ReplaySummary] {
        try reader.read { db in
            try db.rows(
                """
                SELECT replay, session, frame_order, started_at, verdict, differing_batches FROM replays WHERE session = ?
                ORDER BY replay
                """, [session]
            ) { row in
                guard let order = RecordedOrder(rawValue: try row.text(2)) else {
                    throw WrongValue(column: "frame_order", expected: "a frame order")
                }
                return ReplaySummary(
                    replay: try row.integer(0), session: try row.integer(1), frameOrder: order,
                    startedAt: try row.text(3), verdict: try row.optionalText(4),
                    differingBatches: try row.optionalInteger(5))
            }
        }
    }
}

extension Finding {
    /// The rows of a session in the table `finding` or the view `findings`, by sequence.
    static func stored(of session: Int64, in table: String = "finding", _ db: Database) throws -> [Finding] {
        try db.rows(
            """
            SELECT seq, stage, batch, branch, kind, severity, detail FROM \(table) WHERE session = ?
            ORDER BY seq IS NULL, seq
            """, [session]
        ) { row in
            guard let severity = Finding.Severity(rawValue: try row.text(5)) else {
                throw WrongValue(column: "severity", expected: "a severity")
            }
            return Finding(
                sequence: try row.optionalInteger(0), stage: try row.optionalInt(1),
                batch: try row.optionalInteger(2), branch: try row.optionalInt(3), kind: try row.text(4),
                severity: severity, detail: try row.text(6))
        }
    }
}

extension BranchSummary {
    fileprivate mutating func add(_ barrier: BranchBarrier) {
        batches += 1
        outputs += Int64(barrier.outputs)
        if barrier.straggler { straggled += 1 }
        let waited = barrier.waitedMs ?? 0
        waitedMs += waited
        maxWaitedMs = max(maxWaitedMs, waited)
    }
}
