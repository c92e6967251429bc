import GRDB

/// Takes sessions out of the history, in one short transaction; their rows in the log go in small steps afterwards.
enum Removing {
    /// How many rows of the log go in one transaction.
    private static let step = 20_000

    /// Makes sessions vanish from every view, and notes which ranges of the log are to be freed.
    static func discard(_ sessions: [Int64], _ db: Database) throws {
        for session in sessions {
            try db.execute(
                sql: """
                    INSERT INTO discarded(session, source, first_row, last_row)
                    SELECT session, 'event', first_event, min(last_event, (SELECT coalesce(max(id), 0) FROM event))
                    FROM extent WHERE session = ?
                    """, arguments: [session])
            try db.execute(
                sql: """
                    INSERT INTO discarded(session, source, first_row, last_row)
                    SELECT replay, 'replay_release', first_release,
                        coalesce(last_release, (SELECT coalesce(max(id), 0) FROM replay_release))
                    FROM replay WHERE session = ? AND first_release IS NOT NULL
                    """, arguments: [session])
            for table in ["extent", "replay", "finding", "branch", "stage", "session"] {
                try db.execute(sql: "DELETE FROM \(table) WHERE session = ?", arguments: [session])
            }
        }
    }

    /// Whether a process that died left something to be freed.
    static func isUnfinished(_ connection: WritingConnection) throws -> Bool {
        try connection.inTurn { db in
            let discarded = try db.firstRow("SELECT EXISTS (SELECT 1 FROM discarded)") { try $0.integer(0) }
            return try discarded == 1 || freePages(db) > 0
        }
    }

    private static func freePages(_ db: Database) throws -> Int64 {
        try db.firstRow("PRAGMA freelist_count") { try $0.integer(0) } ?? 0
    }

    /// Frees some of what was discarded, then gives space back to the file system. Returns whether something is left.
    static func sweepStep(_ connection: WritingConnection) throws -> Bool {
        if try connection.transaction({ db, _ in try freeStep(db) }) {
            try connection.checkpointIfDue()
            return true
        }
        if try connection.inTurn({ db in try shrinkStep(db) }) {
            try connection.checkpointIfDue()
            return true
        }
        try connection.checkpoint()
        return false
    }

    /// Returns whether something is left.
    private static func freeStep(_ db: Database) throws -> Bool {
        let next = try db.firstRow("SELECT session, source, first_row, last_row FROM discarded LIMIT 1") {
            (
                owner: try $0.integer(0), source: try $0.text(1), first: try $0.integer(2), last: try $0.integer(3)
            )
        }
        guard let next else { return false }
        let end = min(next.last, next.first.addingReportingOverflow(Int64(step - 1)).partialValue)
        let range: StatementArguments = [next.first, end, next.owner]
        if next.source == "event" {
            // Each event of the rows that begin in the range; not what a damaged row says that it has of the rows behind it.
            let events = """
                FROM event AS e CROSS JOIN ordinal AS o
                WHERE e.id BETWEEN ?1 AND ?2 AND e.session = ?3 AND o.number <= \(EventCode.further(inSQL: "e.code"))
                """
            func isOwn(_ number: String) -> String {
                """
                (o.number = 0 OR NOT EXISTS (SELECT 1 FROM event AS n WHERE n.id > e.id AND n.id <= e.id + \(number)))
                """
            }
            let own = "SELECT e.id + o.number \(events) AND \(isOwn("o.number"))"
            // Of batches that went alike, the frames that they bring follow each other.
            let isBatches = EventCode.isPatterned(inSQL: "e.code")
            let frames = """
                SELECT e.frame + o.number \(events) AND e.frame IS NOT NULL
                    AND iif(\(isBatches), o.number < (\(EventCode.furtherBatches(inSQL: "e")) + 1) * e.subject
                        AND \(isOwn("o.number / e.subject * e.arrival")), \(isOwn("o.number")))
                """
            try db.execute(sql: "DELETE FROM omission WHERE frame IN (\(frames))", arguments: range)
            try db.execute(sql: "DELETE FROM frame WHERE id IN (\(frames))", arguments: range)
            try db.execute(
                sql: "DELETE FROM note WHERE event BETWEEN ?1 AND ?2 AND event IN (\(own))", arguments: range)
            try db.execute(
                sql: """
                    DELETE FROM dropped_output WHERE output BETWEEN ?1 AND ?2 + \(EventCode.maxFurther) AND output IN (\(own))
                    """, arguments: range)
            try db.execute(
                sql: """
                    DELETE FROM event_times WHERE event BETWEEN ?1 AND ?2
                        AND event IN (SELECT id FROM event WHERE id BETWEEN ?1 AND ?2 AND session = ?3)
                    """, arguments: range)
            try db.execute(sql: "DELETE FROM event WHERE id BETWEEN ?1 AND ?2 AND session = ?3", arguments: range)
        } else {
            try db.execute(
                sql: "DELETE FROM replay_release WHERE id BETWEEN ?1 AND ?2 AND replay = ?3", arguments: range)
        }
        if end == next.last {
            try db.execute(
                sql: "DELETE FROM discarded WHERE session = ? AND source = ? AND first_row = ?",
                arguments: [next.owner, next.source, next.first])
        } else {
            try db.execute(
                sql: "UPDATE discarded SET first_row = ? WHERE session = ? AND source = ? AND first_row = ?",
                arguments: [end + 1, next.owner, next.source, next.first])
        }
        return true
    }

    /// Removes what frames had in common that no frame has any more: it may be what somebody said.
    static func removeUnusedShapes(_ db: Database) throws {
        let used = try Set(db.rows("SELECT DISTINCT shape FROM frame") { try $0.integer(0) })
        let unused = try db.rows("SELECT id FROM shape WHERE fields IS NOT NULL") { try $0.integer(0) }
            .filter { !used.contains($0) }
        if unused.isEmpty { return }
        for shape in unused { try db.execute(sql: "DELETE FROM shape WHERE id = ?", arguments: [shape]) }
        // Writers remember shapes; this tells them not to.
        try db.execute(sql: "UPDATE counter SET value = value + 1 WHERE name = 'shapes removed'")
    }

    /// Moves pages from the end of the file into free ones. Returns whether free ones are left.
    private static func shrinkStep(_ db: Database) throws -> Bool {
        let before = try freePages(db)
        if before == 0 { return false }
        try db.execute(sql: "PRAGMA incremental_vacuum(1000)")
        let after = try freePages(db)
        return after > 0 && after < before
    }
}
