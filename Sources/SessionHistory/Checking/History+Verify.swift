import GRDB

extension History {
    /// Reads the whole history and finds what is not as it was written: damage to the file's structure, to rows, to the content of
    /// frames; events, references and sessions that are missing.
    ///
    /// Changes nothing. Sessions may be recorded meanwhile; of those only what is committed is checked.
    ///
    /// - Parameter progress: is told how many frames and events were checked so far.
    public func verify(progress: (Int64) -> Void = { _ in }) throws -> Verification {
        var found = Verification()
        try part("the file's structure", &found) { db, found in try checkStructure(db, &found) }
        let damaged = try checkFrames(&found, progress)
        var sessions: [Int64] = []
        try part("the list of sessions", &found) { db, _ in
            sessions = try db.rows("SELECT session FROM session ORDER BY session") { try $0.integer(0) }
        }
        var dropped = 0
        for session in sessions {
            var check = SessionCheck(session, damagedFrames: damaged)
            try part("session \(session)", session: session, &found) { db, found in
                check = SessionCheck(session, damagedFrames: damaged)
                try check.run(db, &found)
            }
            found.sessions += 1
            found.events += check.events
            dropped += check.dropped.count
            progress(found.events + found.frames)
        }
        let (events, drops) = (found.events, dropped)
        if found.isWhole {
            try part("what belongs to no session", &found) { db, found in
                try checkStrays(events: events, dropped: drops, db, &found)
            }
        }
        return found
    }

    /// Runs one part of the check, which may have to be run twice; what cannot be read is a problem like others.
    private func part(
        _ what: String, session: Int64? = nil, _ found: inout Verification,
        _ body: (Database, inout Verification) throws -> Void
    ) throws {
        do {
            found = try reader.read { db in
                var part = found
                try body(db, &part)
                return part
            }
        } catch let error as HistoryError where error.code == .damaged {
            found.add(.unreadable, session: session, "\(what) cannot be read: \(error)")
        }
    }

    private func checkStructure(_ db: Database, _ found: inout Verification) throws {
        try db.forEachRow("PRAGMA integrity_check(100)") { row in
            let line = try row.text(0)
            if line != "ok" { found.add(.structure, line) }
            return true
        }
        // The log's own references are looked at with each session's events, once instead of twice.
        for table in [
            "stage", "branch", "extent", "finding", "replay", "replay_release", "note", "omission",
        ] {
            try db.forEachRow("PRAGMA foreign_key_check(\(table))") { row in
                if table == "replay_release", try Self.isDiscarded(release: row.optionalInteger(1), db) { return true }
                let place = try row.optionalInteger(1).map { " \($0)" } ?? ""
                found.add(.reference, "row\(place) of \(table) refers to a \(try row.text(2)) that is not there")
                return true
            }
        }
        if try HistoryFile.version(db) >= 3 {
            let ordinals = try db.firstRow("SELECT count(*), min(number), max(number) FROM ordinal") { row in
                [try row.integer(0), try row.optionalInteger(1), try row.optionalInteger(2)]
            }
            if ordinals != [EventCode.maxFurther + 1, 0, EventCode.maxFurther] {
                found.add(.structure, "the numbers by which the views take rows of the log apart are not 0 to 255")
            }
        }
        if try HistoryFile.version(db) >= 4 { try Self.checkPatterns(db, &found) }
        let key = try db.firstRow("SELECT length(value) FROM secret WHERE name = 'content'") { try $0.integer(0) }
        if key != 32 { found.add(.structure, "the key for hashes is not there, or is no key") }
    }

    /// Checks what rows of several events say apart from the log.
    private static func checkPatterns(_ db: Database, _ found: inout Verification) throws {
        for number in try db.rows("SELECT id FROM pattern ORDER BY id", [], { try $0.integer(0) })
        where try !PatternReader.isIntact(number, db) {
            found.add(.structure, "what batches of pattern \(number) have in common is not as it was written")
        }
        try db.forEachRow("PRAGMA foreign_key_check(pattern_event)") { _ in
            found.add(.reference, "an event belongs to a pattern that is not there")
            return false
        }
    }

    /// Whether a replay's row is only still to be freed, by a deletion that is under way or died: the next opening for writing goes on.
    private static func isDiscarded(release row: Int64?, _ db: Database) throws -> Bool {
        guard let row else { return false }
        return try db.firstRow(
            """
            SELECT EXISTS (SELECT 1 FROM replay_release AS r CROSS JOIN discarded AS d
                WHERE r.id = ?1 AND d.source = 'replay_release' AND d.session = r.replay
                    AND r.id BETWEEN d.first_row AND d.last_row)
            """, [row]
        ) { try $0.integer(0) == 1 } ?? false
    }

    private func checkFrames(_ found: inout Verification, _ progress: (Int64) -> Void) throws -> Set<Int64> {
        var check: FrameCheck?
        try part("what frames have in common", &found) { db, found in check = try FrameCheck(db, &found) }
        guard var check else { return [] }
        var last: Int64 = 0
        var isAtEnd = false
        while !isAtEnd {
            let before = check
            try part("frames behind row \(last)", &found) { db, _ in
                check = before
                isAtEnd = true
                if let end = try check.check(after: last, db) { (last, isAtEnd) = (end, false) }
            }
            progress(check.count)
        }
        found.frames = check.count
        return check.damaged
    }

    /// Counts rows that none of the sessions accounts for. While somebody records or deletes, that cannot be told.
    private func checkStrays(events: Int64, dropped: Int, _ db: Database, _ found: inout Verification) throws {
        let isAtRest = try db.firstRow(
            """
            SELECT NOT EXISTS (SELECT 1 FROM discarded) AND NOT EXISTS (SELECT 1 FROM session WHERE state = 'recording')
            """
        ) { try $0.integer(0) == 1 }
        guard isAtRest ?? false else { return }
        let total =
            try db.firstRow("SELECT count(*) + coalesce(sum(\(EventCode.further(inSQL: "code"))), 0) FROM event") {
                try $0.integer(0)
            } ?? 0
        if total != events { found.add(.stray, "\(total - events) events belong to no session") }
        let times =
            try HistoryFile.version(db) < 4
            ? nil
            : db.firstRow(
                """
                SELECT count(*) FROM event_times AS t LEFT JOIN event AS e ON e.id = t.event
                WHERE e.id IS NULL OR NOT \(EventCode.isTimed(inSQL: "e.code"))
                """
            ) { try $0.integer(0) }
        if let times, times > 0 { found.add(.stray, "the times of \(times) rows belong to no event") }
        let drops = try db.firstRow("SELECT count(*) FROM dropped_output") { try $0.integer(0) } ?? 0
        if drops != dropped {
            found.add(.reference, "\(dropped) outputs were dropped, and \(drops) are noted as dropped")
        }
    }
}
