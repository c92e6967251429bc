import Foundation
import GRDB
import PipelineEngine
import Testing

@testable import SessionHistory

/// Several events in one row of the log are read, changed and checked as if each had its own.
struct RunTests {
    private let folder: TemporaryFolder
    private let history: History

    init() throws {
        folder = try TemporaryFolder()
        history = try History.open(at: folder.file("h.sqlite"), for: .writing)
    }

    private func number(_ sql: String, on path: String? = nil) throws -> Int {
        try #require(Int(try SQLiteShell.lines(sql, on: path ?? history.path).joined()))
    }

    private func record(_ sessions: [[SessionEvent]], seed: UInt64, state: SessionState? = .complete) async throws {
        try await history.recordSideBySide(sessions, seed: seed, state: state)
    }

    /// In one transaction.
    private func recordAtOnce(_ events: [SessionEvent]) async throws {
        let log = try #require(try await history.begin(SessionStart(definition: SessionScript.definition())))
        let source = WaitingEvents(events)
        try await log.flush(source)
        try await log.close(source, state: .complete)
    }

    private func expect(
        _ history: History, _ session: Int64, holds events: [SessionEvent],
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        try history.expect(session, holds: events, location)
    }

    private static let views = [
        "timeline", "frames", "release_order", "order_diff", "barriers", "batches", "findings", "moment", "sessions",
    ]

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func burstsReadBack(seed: UInt64) async throws {
        let sessions = (0..<seed % 3 + 1).map { BurstScript(seed: seed * 10 + $0, batches: 40).events }
        try await record(sessions, seed: seed)
        for (index, events) in sessions.enumerated() { try expect(history, Int64(index + 1), holds: events) }
        #expect(try history.verify().problems.isEmpty)
        // A batch is found from within.
        let some = try history.events(of: 1, batches: 7...11)
        var (pages, read) = (some, [Int64]())
        while let page = try pages.next() { read += page.map(\.sequence) }
        #expect(read == sessions[0].filter { (7...11).contains($0.batch) }.map(\.sequence))
        history.close()

        let flat = folder.file("flat.sqlite")
        try FileManager.default.copyItem(atPath: history.path, toPath: flat)
        _ = try SQLiteShell.run(FlatHistory.flatten, on: flat)
        let (rows, all) = (try number("SELECT count(*) FROM event"), try number("SELECT count(*) FROM event", on: flat))
        #expect(all == sessions.map(\.count).reduce(0, +))
        #expect(try History.open(at: flat).verify().problems.isEmpty)
        #expect(rows < all * 3 / 4, "\(rows) rows for \(all) events")
        for view in Self.views {
            var facts = 0
            for session in 1...sessions.count {
                // Of payloads their lengths.
                let columns = view == "frames" ? "session, seq, frame_id, frame_name, text, fields, payload_bytes" : "*"
                let sql = "SELECT \(columns) FROM \(view) WHERE session = \(session) ORDER BY 1, 2, 3, 4, 5, 6, 7"
                let found = try SQLiteShell.run(sql, on: history.path)
                #expect(try found == SQLiteShell.run(sql, on: flat), "\(view)")
                facts += found.utf8.count
            }
            #expect(facts > 0 || view == "findings", "\(view)")
        }
    }

    /// One burst is one row, and so is its release; the 257th event begins the next.
    @Test func aBurstIsTwoRows() async throws {
        var script = SessionScript()
        script.add(.inbound, batch: 1, direction: .downstream, frame: SessionScript.text("go", id: 1))
        script.step = 0
        for index in 0..<300 {
            script.add(
                .output, batch: 1, branch: 0, direction: .downstream, emission: index, arrival: index,
                frame: SessionScript.text("\(index)", id: Int64(index) + 2))
        }
        for branch in 0...1 { script.add(.sync, batch: 1, branch: branch) }
        for index in 0..<300 {
            script.add(
                .release, batch: 1, branch: 0, direction: .downstream, position: index, subject: Int64(index) + 2,
                outcome: index == 299 ? .released : nil)
        }
        try await recordAtOnce(script.events)
        #expect(
            try SQLiteShell.lines(
                "SELECT id, seq, code & 15, (code >> 36) & 255, place, subject FROM event", on: history.path)
                == [
                    "1|1|1|0||", "2|2|2|255|0|", "258|258|2|43|256|", "302|302|3|0||", "303|303|3|0||",
                    "304|304|4|255|0|2",
                    "560|560|4|43|256|258",
                ])
        try expect(history, 1, holds: script.events)
        // The outcome is that of the last.
        #expect(try SQLiteShell.lines("SELECT outcome, end_seq FROM batches", on: history.path) == ["released|603"])
    }

    /// A row's frames are read at once, so they are not many large ones.
    @Test func largeFramesHaveRowsOfTheirOwn() async throws {
        var script = SessionScript()
        script.step = 0
        for index in 0..<12 {
            let image = GenericFrame(
                .dataFrame, header: FrameHeader(id: Int64(index) + 1),
                payload: FramePayload(name: "image", bytes: [UInt8](repeating: UInt8(index), count: 400_000)))
            script.add(
                .output, batch: 1, branch: 0, direction: .downstream, emission: index, arrival: index, frame: image)
        }
        try await recordAtOnce(script.events)
        #expect(try number("SELECT count(*) FROM event") == 6)
        try expect(history, 1, holds: script.events)
    }

    @Test func redactedAsAWhole() async throws {
        let events = BurstScript(seed: 5, batches: 30).events
        try await record([events, BurstScript(seed: 6, batches: 30).events], seed: 5)
        _ = try history.redact(1, keeping: .none)
        #expect(try history.verify().problems.isEmpty)
        let read = try history.allEvents(of: 1)
        #expect(read.map(\.sequence) == events.map(\.sequence) && read.map(\.subject) == events.map(\.subject))
        #expect(read.allSatisfy { $0.frame?.text == nil && $0.frame?.payload == nil })
        #expect(
            try number("SELECT count(*) FROM frames WHERE session = 1 AND (text IS NOT NULL OR payload IS NOT NULL)")
                == 0)
        #expect(try number("SELECT count(*) FROM frames WHERE session = 2 AND text LIKE 'word %'") > 100)
    }

    @Test func deletedAsAWhole() async throws {
        let sessions = (1...3).map { BurstScript(seed: $0, batches: 60).events }
        try await record(sessions, seed: 9)
        #expect(try number("SELECT count(*) FROM dropped_output") > 0)
        _ = try history.delete([2])
        try expect(history, 1, holds: sessions[0])
        try expect(history, 3, holds: sessions[2])
        #expect(try history.verify().problems.isEmpty)
        _ = try history.delete([1, 3])
        for table in ["event", "frame", "note", "dropped_output", "omission", "extent", "discarded"] {
            #expect(try number("SELECT count(*) FROM \(table)") == 0, "\(table)")
        }
    }

    @Test func recoveredAsAWhole() async throws {
        let sessions = (1...2).map { BurstScript(seed: $0, batches: 60).events }
        try await record(sessions, seed: 3)
        history.close()
        let report = try await History.recover(history.path, to: folder.file("new.sqlite"))
        #expect(report.losses.isEmpty && report.sessions.allSatisfy { $0.losses.isEmpty })
        let new = try History.open(at: folder.file("new.sqlite"))
        for (index, events) in sessions.enumerated() { try expect(new, Int64(index + 1), holds: events) }
        #expect(try new.verify().problems.isEmpty)
    }

    /// A row that says that it has more than there is room for is damaged, and nothing is made up for it.
    @Test func recoveredWithoutWhatNeverWas() async throws {
        let events = BurstScript(seed: 3, batches: 20).events
        try await record([events], seed: 3)
        history.close()
        _ = try SQLiteShell.run(
            "UPDATE event SET code = code | (100 << 36) WHERE id IN (SELECT id FROM event WHERE code >> 36 = 0 LIMIT 9)",
            on: history.path)
        #expect(try !History.open(at: history.path).verify().isWhole)
        let report = try await History.recover(history.path, to: folder.file("new.sqlite"))
        #expect(report.sessions.map(\.events) == [Int64(events.count)])
        try expect(try History.open(at: folder.file("new.sqlite")), 1, holds: events)
    }

    /// A row with a wrong sequence is put right as a whole, when those around it are in step.
    @Test func recoveredInStep() async throws {
        let events = BurstScript(seed: 11, batches: 20).events
        try await record([events], seed: 11)
        history.close()
        let row = try number("SELECT id FROM event WHERE (code >> 36) & 255 > 3 AND code & 15 = 2 LIMIT 1 OFFSET 2")
        _ = try SQLiteShell.run("UPDATE event SET seq = seq + (1 << 20) WHERE id = \(row)", on: history.path)
        let report = try await History.recover(history.path, to: folder.file("new.sqlite"))
        #expect(report.sessions.map(\.events) == [Int64(events.count)])
        let read = try History.open(at: folder.file("new.sqlite")).allEvents(of: 1)
        #expect(read.map(\.kind) == events.map(\.kind) && read.map(\.position) == events.map(\.position))
        // What is about others than those of the row still is.
        let others = read.filter { !(row...row + 256).contains(Int(events[Int($0.sequence) - 1].subject)) }
        #expect(others.allSatisfy { $0.subject == events[Int($0.sequence) - 1].subject })
        // One number that is wrong is no session.
        _ = try SQLiteShell.run(
            "UPDATE event SET seq = seq - (1 << 20), session = 99 WHERE id = \(row)", on: history.path)
        let other = try await History.recover(history.path, to: folder.file("other.sqlite"))
        #expect(other.sessions.map(\.session) == [1])
    }

    /// Each output that was dropped is noted, so that the views leave out the right ones.
    @Test func anotherDroppedOutputIsFound() async throws {
        try await record([BurstScript(seed: 2, batches: 60).events], seed: 2)
        history.close()
        #expect(try History.open(at: history.path).verify().isWhole)
        _ = try SQLiteShell.run(
            "UPDATE dropped_output SET output = 1 WHERE output = (SELECT max(output) FROM dropped_output)",
            on: history.path)
        #expect(try !History.open(at: history.path).verify().isWhole)
        _ = try SQLiteShell.run("UPDATE event SET code = code | (1 << 46) WHERE id = 1", on: history.path)
        #expect(try History.open(at: history.path).verify().problems.contains { $0.kind == .structure })
    }

    /// What is about an event that is lost shows nobody else's frame.
    @Test func aSubjectThatIsLost() async throws {
        var script = SessionScript()
        script.add(.bypass, direction: .downstream, frame: SessionScript.text("somebody else's", id: 1))
        let output = script.add(
            .output, batch: 1, branch: 0, direction: .downstream, emission: 0, arrival: 0,
            frame: SessionScript.text("lost", id: 2))
        script.add(.release, batch: 1, branch: 0, direction: .downstream, position: 0, subject: output)
        try await recordAtOnce(script.events)
        let shown = "SELECT event, frame_id FROM timeline WHERE event = 'release'"
        #expect(try SQLiteShell.lines(shown, on: history.path) == ["release|2"])
        _ = try SQLiteShell.run("DELETE FROM event WHERE id = \(output)", on: history.path)
        #expect(try SQLiteShell.lines(shown, on: history.path) == ["release|"])
        #expect(
            try SQLiteShell.lines("SELECT frame_id FROM release_order WHERE frame_order = 'recorded'", on: history.path)
                == [""])
        #expect(try history.allEvents(of: 1).last?.frame == nil)
    }

    /// A row that says that it has the events behind it takes nothing of theirs along.
    @Test func aDamagedRowIsDeletedAlone() async throws {
        try await record([BurstScript(seed: 1, batches: 2).events], seed: 1)
        let events = BurstScript(seed: 2, batches: 20).events
        try await record([events], seed: 2)
        _ = try SQLiteShell.run(
            """
            UPDATE event SET code = (code & 68719476735) | (200 << 36)
            WHERE id = (SELECT max(id) FROM event WHERE session = 1 AND frame IS NOT NULL)
            """, on: history.path)
        _ = try history.delete([1])
        try expect(history, 2, holds: events)
        #expect(try history.verify().isWhole)
    }

    /// What was counted when the process died may end within a row.
    @Test func interruptedWithinARow() async throws {
        let events = BurstScript(seed: 4, batches: 60).events
        try await record([events], seed: 4, state: nil)
        let copy = folder.file("copy.sqlite")
        try await history.copyCountedWithinARow(to: copy)

        let repaired = try History.open(at: copy, for: .writing)
        let session = try #require(try repaired.sessions().first)
        #expect(session.state == .interrupted)
        try expect(repaired, 1, holds: events)
        #expect(try repaired.verify().problems.isEmpty)
        #expect(try number("SELECT events FROM session", on: copy) == events.count)
    }

    /// A history of before is read without being changed, and goes on when it is written to.
    @Test(arguments: [2, 3]) func aHistoryOfBefore(version: Int) async throws {
        let first = BurstScript(seed: 7, batches: 40).events
        try await record([first], seed: 7)
        history.close()
        _ = try SQLiteShell.run(FlatHistory.downgrade(to: version), on: history.path)
        let before = FileManager.default.contents(atPath: history.path)

        let old = try History.open(at: history.path)
        try expect(old, 1, holds: first)
        #expect(try old.verify().problems.isEmpty)
        #expect(try number("SELECT count(*) FROM timeline WHERE event IS NOT NULL") > first.count / 2)
        old.close()
        #expect(FileManager.default.contents(atPath: history.path) == before)

        let report = try await History.recover(history.path, to: folder.file("recovered.sqlite"))
        #expect(report.losses.isEmpty && report.remarks.isEmpty)
        try expect(try History.open(at: folder.file("recovered.sqlite")), 1, holds: first)

        // As it would have been made, with the pages of its schema elsewhere; the header is gone.
        let made = folder.file("made.sqlite")
        for name in ["0001_sessions", "0002_views", "0003_runs"].prefix(version) {
            let sql = try String(contentsOfFile: repository + "/migrations/\(name).sql", encoding: .utf8)
            _ = try SQLiteShell.run(sql, on: made)
        }
        let tables = try SQLiteShell.lines("SELECT name FROM sqlite_schema WHERE type = 'table'", on: made)
        let copying = tables.map { "DELETE FROM \($0); INSERT INTO \($0) SELECT * FROM old.\($0);" }.joined()
        _ = try SQLiteShell.run("ATTACH '\(history.path)' AS old; \(copying)", on: made)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: made))
        try handle.write(contentsOf: Data(count: 16_384))
        try handle.close()
        let salvage = try await History.recover(made, to: folder.file("salvaged.sqlite"))
        #expect(salvage.remarks == ["its header or its schema was damaged, and was made anew"])
        #expect(salvage.losses.isEmpty && salvage.sessions.allSatisfy { $0.losses.isEmpty })
        try expect(try History.open(at: folder.file("salvaged.sqlite")), 1, holds: first)

        // Not while somebody writes to it who may know only the old form.
        do {
            let other = try LockFile(forHistory: history.path)
            _ = try other.takeOwnership()
            let error = #expect(throws: HistoryError.self) { try History.open(at: history.path, for: .writing) }
            withExtendedLifetime(other) {}
            #expect(error?.code == .busy)
        }
        #expect(try number("PRAGMA user_version") == version)
        let new = try History.open(at: history.path, for: .writing)
        #expect(try number("PRAGMA user_version") == SchemaCheck.currentVersion)
        let second = BurstScript(seed: 8, batches: 40).events
        try await new.record(second)
        try expect(new, 1, holds: first)
        try expect(new, 2, holds: second)
        #expect(try new.verify().problems.isEmpty)
    }

    /// What views take rows apart by is part of the history.
    @Test func ordinalsThatAreMissingAreFound() async throws {
        try await record([BurstScript(seed: 1, batches: 5).events], seed: 1)
        history.close()
        _ = try SQLiteShell.run("DELETE FROM ordinal WHERE number = 77", on: history.path)
        #expect(try History.open(at: history.path).verify().problems.count == 1)
    }

    @Test func aLogThatIsNumberedToItsEnd() async throws {
        try await record([BurstScript(seed: 1, batches: 1).events], seed: 1)
        history.close()
        _ = try SQLiteShell.run("UPDATE event SET id = 9223372036854775807 WHERE id = 1", on: history.path)
        #expect(throws: HistoryError.self) { try History.open(at: history.path, for: .writing) }
        #expect(try History.open(at: history.path).sessions().count == 1)
    }

    // MARK: - What continues a row

    private static let first = EventRun.Entry(
        id: 10, time: 5,
        code: EventCode(kind: .output, direction: .downstream, outcome: nil, isLast: false, stage: 0, branch: 1),
        batch: 3, place: 4, arrival: 6, subject: 7, frame: 8)

    private static func next(
        after entry: EventRun.Entry = first, _ change: (inout EventRun.Entry) -> Void = { _ in }
    ) -> EventRun.Entry {
        var next = entry
        next.id += 1
        next.place += 1
        next.arrival += 1
        next.subject += 1
        next.frame += 1
        change(&next)
        return next
    }

    @Test func whatContinuesARow() throws {
        let run = EventRun(Self.first)
        #expect(run.isContinued(by: Self.next()) && run.isContinued(by: Self.next { $0.time += 1 }))
        let others: [(inout EventRun.Entry) -> Void] = [
            { $0.id += 1 }, { $0.batch += 1 }, { $0.place += 1 }, { $0.place = -1 },
            { $0.arrival -= 1 },
            { $0.arrival = -1 }, { $0.subject = 0 }, { $0.subject -= 1 }, { $0.frame -= 1 }, { $0.frame = 0 },
            {
                $0.code = EventCode(
                    kind: .late, direction: .downstream, outcome: nil, isLast: false, stage: 0, branch: 1)
            },
            {
                $0.code = EventCode(
                    kind: .output, direction: .upstream, outcome: nil, isLast: false, stage: 0, branch: 1)
            },
            {
                $0.code = EventCode(
                    kind: .output, direction: .downstream, outcome: nil, isLast: true, stage: 0, branch: 1)
            },
            {
                $0.code = EventCode(
                    kind: .output, direction: .downstream, outcome: nil, isLast: false, stage: 1, branch: 1)
            },
            {
                $0.code = EventCode(
                    kind: .output, direction: .downstream, outcome: nil, isLast: false, stage: 0, branch: 0)
            },
        ]
        for (index, change) in others.enumerated() { #expect(!run.isContinued(by: Self.next(change)), "\(index)") }
        #expect(!EventRun().isContinued(by: Self.next()))
    }

    @Test func aRowEndsWithItsOutcome() {
        var run = EventRun(Self.first)
        let ended = Self.next {
            $0.code = EventCode(
                kind: .output, direction: .downstream, outcome: .failed, isLast: false, stage: 0, branch: 1)
        }
        #expect(run.isContinued(by: ended))
        run.append(ended)
        #expect(run.code.further == 1 && run.code.outcome == .failed)
        #expect(run.code.member(0) == Self.first.code && run.code.member(1) == ended.code)
        #expect(!run.isContinued(by: Self.next(after: ended)))
        // What a damaged code says is no more than a code can.
        #expect(EventCode(rawValue: .min).further == 0 && EventCode(rawValue: .max).further == 255)
        #expect(!EventCode(rawValue: .max).isWhole && EventCode(rawValue: 1 << 36).isWhole)
    }
}
