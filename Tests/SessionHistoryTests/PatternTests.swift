import Foundation
import GRDB
import PipelineEngine
import Testing

@testable import SessionHistory

/// Batches that go alike share rows of the log, and are read, changed and checked as if each event had its own.
struct PatternTests {
    private let folder: TemporaryFolder
    private let history: History

    init() throws {
        folder = try TemporaryFolder()
        history = try History.open(at: folder.file("h.sqlite"), for: .writing)
    }

    private static let definition = SessionDefinition(
        stages: (0...1).map { stage in
            .init(
                number: stage, name: "SyncParallelPipeline#\(stage)", frameOrder: .arrival,
                branches: (0...1).map { .init(number: $0, name: "b\($0)", processors: ["P#\($0)"]) })
        })

    private static let isShared = "(code >> 45) & 1"

    private func number(_ sql: String, on path: String? = nil) throws -> Int {
        try #require(Int(try SQLiteShell.lines(sql, on: path ?? history.path).joined()))
    }

    private func record(
        _ sessions: [[SessionEvent]], seed: UInt64, pieces: ClosedRange<Int> = 1...400,
        state: SessionState? = .complete
    ) async throws {
        try await history.recordSideBySide(
            sessions, seed: seed, definition: Self.definition, pieces: pieces, state: state)
    }

    /// In one transaction.
    private func recordAtOnce(_ events: [SessionEvent]) async throws {
        let log = try #require(try await history.begin(SessionStart(definition: Self.definition)))
        let source = WaitingEvents(events)
        try await log.flush(source)
        try await log.close(source, state: .complete)
    }

    /// Batches of one course, 20 ms apart.
    private static func regular(_ batches: Int) -> [SessionEvent] {
        StreamScript(seed: 1, batches: batches, stages: 1, irregularity: 0).events
    }

    /// A frame that is large enough for batches to share rows.
    private static func large(_ id: Int64) -> any Frame {
        SessionScript.text("\(id)" + String(repeating: "word ", count: 60), id: id)
    }

    private static let views = [
        "timeline", "frames", "release_order", "order_diff", "barriers", "batches", "findings", "moment", "sessions",
    ]

    private static func irregularity(_ seed: UInt64) -> Int { [2, 6, 12][Int(seed % 3)] }

    // MARK: - Writing and reading

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func streamsReadBack(seed: UInt64) async throws {
        let sessions = (0..<seed % 3 + 1).map {
            StreamScript(
                seed: seed * 10 + $0, batches: 400, stages: seed % 2 == 0 ? 1 : 2, irregularity: Self.irregularity(seed)
            ).events
        }
        // The last ones in commits of a batch or less.
        try await record(sessions, seed: seed, pieces: seed < 7 ? 1...2000 : 1...12)
        for (index, events) in sessions.enumerated() { try history.expect(Int64(index + 1), holds: events) }
        #expect(try history.verify().problems.isEmpty)
        try expectPartsAreFound(sessions[0])
        history.close()

        let flat = folder.file("flat.sqlite")
        try FileManager.default.copyItem(atPath: history.path, toPath: flat)
        _ = try SQLiteShell.run(FlatHistory.flatten, on: flat)
        let (rows, all) = (try number("SELECT count(*) FROM event"), try number("SELECT count(*) FROM event", on: flat))
        #expect(all == sessions.map(\.count).reduce(0, +))
        if seed < 7, Self.irregularity(seed) < 5 {
            #expect(rows < all / 2, "\(rows) rows for \(all) events")
            #expect(try number("SELECT count(*) FROM event WHERE \(Self.isShared) AND (code >> 36) & 255 > 20") > 3)
            #expect(try number("SELECT count(*) FROM event_times WHERE unit = 1") > 0)
            #expect(try number("SELECT count(*) FROM event_times WHERE unit = 1000") > 0)
        }
        // By the views alone each event is what it was: the hash over them is the same.
        let flattened = try History.open(at: flat)
        #expect(try flattened.verify().problems.isEmpty)
        for (index, events) in sessions.enumerated() { try flattened.expect(Int64(index + 1), holds: events) }
        for view in Self.views {
            for session in 1...sessions.count {
                // Of payloads their lengths.
                let columns = view == "frames" ? "session, seq, frame_id, frame_name, text, fields, payload_bytes" : "*"
                let sql = "SELECT \(columns) FROM \(view) WHERE session = \(session) ORDER BY 1, 2, 3, 4, 5, 6, 7"
                let found = try SQLiteShell.run(sql, on: history.path)
                #expect(try found == SQLiteShell.run(sql, on: flat), "\(view)")
                #expect(!found.isEmpty || view == "findings" || view == "order_diff", "\(view)")
            }
        }
        for view in ["timeline", "barriers", "batches", "release_order"] {
            let sql = "SELECT * FROM \(view) WHERE session = 1 AND batch BETWEEN 33 AND 35 ORDER BY 1, 2, 3, 4, 5, 6, 7"
            #expect(try SQLiteShell.run(sql, on: history.path) == SQLiteShell.run(sql, on: flat), "\(view)")
        }
    }

    /// Batches, and those of a stage, are found from within rows.
    private func expectPartsAreFound(_ events: [SessionEvent]) throws {
        for batches in [1...1, 7...11, 100...100, 37...250, 390...9999] as [ClosedRange<Int64>] {
            for stage in [nil, 0, 1] {
                var (pages, read) = (try history.events(of: 1, stage: stage, batches: batches), [Int64]())
                while let page = try pages.next() { read += page.map(\.sequence) }
                let expected = events.filter { batches.contains($0.batch) && (stage == nil || $0.stage == stage) }
                #expect(read == expected.map(\.sequence), "\(batches) \(String(describing: stage))")
            }
        }
    }

    /// The first batch shows how they go; 36 batches of 7 events are a row, and the 37th begins the next.
    @Test func aStreamIsAFewRows() async throws {
        try await recordAtOnce(Self.regular(100))
        try history.expect(1, holds: Self.regular(100))
        #expect(try number("SELECT count(*) FROM event WHERE batch = 1") == 7)
        #expect(
            try SQLiteShell.lines(
                "SELECT seq, (code >> 36) & 255, batch, place, arrival, subject, frame FROM event WHERE batch > 1",
                on: history.path) == ["8|251|2|1|7|1|2", "260|251|38|1|7|1|38", "512|188|74|1|7|1|74"])
    }

    /// Batches of small frames have a row for each event, whatever is alike.
    @Test func smallFramesHaveRowsOfTheirOwn() async throws {
        for (name, size, rows) in [("small", 255, 4 * 50), ("large", 256, 4 + 1)] {
            var script = SessionScript()
            for batch in 1...50 as ClosedRange<Int64> {
                let text = SessionScript.text(String(repeating: "x", count: size), id: batch)
                script.add(.inbound, batch: batch, direction: .downstream, frame: text)
                for branch in 0...1 { script.add(.sync, batch: batch, branch: branch) }
                script.add(.close, batch: batch, outcome: .released)
            }
            let other = try History.open(at: folder.file(name), for: .writing)
            try await other.record(script.events)
            try other.expect(1, holds: script.events)
            #expect(try number("SELECT count(*) FROM event", on: other.path) == rows, "\(name)")
        }
    }

    /// Of two moments each, one in a row behind the other, with times that are multiples of 1 µs and not.
    @Test(arguments: [(1000, 1000), (1, 1)] as [(Int64, Int)])
    func timesOfARow(unit: Int64, expected: Int) async throws {
        var script = SessionScript()
        for batch in 1...6 as ClosedRange<Int64> {
            script.step = 20_000 * unit
            script.add(.inbound, batch: batch, direction: .downstream, frame: Self.large(batch))
            script.step = 7 * unit
            for branch in 0...1 {
                script.add(.sync, batch: batch, branch: branch)
                script.step = 0
            }
            script.add(.close, batch: batch, outcome: .released)
        }
        try await recordAtOnce(script.events)
        try history.expect(1, holds: script.events)
        #expect(
            try SQLiteShell.lines(
                "SELECT unit, bytes, first_bytes, step_bytes, CAST(times AS TEXT) FROM event_times", on: history.path)
                == ["\(expected)|6|5|1|000007200077400147600217800287"])
        #expect(
            try SQLiteShell.lines(
                "SELECT id, code >> 36, place, arrival, subject, batch FROM event WHERE batch > 1", on: history.path)
                == ["5|\(19 | 3 << 8)|1|4|1|2"])
    }

    /// Outputs that come one after the other over time are one row, too.
    @Test func aSlowBurst() async throws {
        var script = SessionScript()
        script.add(.bypass)
        script.step = 20_000_000
        for index in 0..<300 {
            script.add(
                .output, batch: 1, branch: 0, direction: .downstream, emission: index, arrival: index,
                frame: SessionScript.text("\(index)", id: Int64(index) + 2))
        }
        try await recordAtOnce(script.events)
        try history.expect(1, holds: script.events)
        #expect(
            try SQLiteShell.lines(
                "SELECT id, (code >> 36) & 255, code >> 44, length(times), unit FROM event LEFT JOIN event_times ON event = id",
                on: history.path)
                == ["1|0|0||", "2|255|1|1792|1000", "258|43|1|264|1000"])
    }

    /// Each batch, and each output, in a commit of its own makes the same rows, and whoever reads meanwhile reads on within them.
    @Test func aRowGrowsFromCommitToCommit() async throws {
        // No commit but those that are asked for.
        var options = WriterOptions()
        options.groupWindow = 60_000_000_000
        let history = try History.open(at: folder.file("slow.sqlite"), for: .writing, options: options)
        let events = Self.regular(100)
        var slow = SessionScript()
        slow.step = 20_000_000
        for index in 0..<300 {
            slow.add(
                .output, batch: 1, branch: 0, direction: .downstream, emission: index, arrival: index,
                frame: SessionScript.text("\(index)", id: Int64(index) + 2))
        }
        for (pieces, events) in [(7, events), (1, slow.events), (3, events)] {
            let log = try #require(try await history.begin(SessionStart(definition: Self.definition)))
            let source = WaitingEvents()
            var (pages, read) = (try history.events(of: log.session), [SessionEvent]())
            for start in stride(from: 0, to: events.count, by: pieces) {
                source.add(Array(events[start..<min(start + pieces, events.count)]), to: log)
                try await log.flush(source)
                if start % 5 == 0 { while let page = try pages.next() { read += page } }
            }
            while let page = try pages.next() { read += page }
            #expect(read.map(EventFacts.init) == events.map(EventFacts.init))
            try await log.close(source, state: .complete)
            try history.expect(log.session, holds: events)
        }
        #expect(try history.verify().problems.isEmpty)
        #expect(
            try SQLiteShell.lines(
                "SELECT seq, (code >> 36) & 255, batch, frame FROM event WHERE batch > 1 AND session = 1",
                on: history.path) == ["8|251|2|2", "260|251|38|38", "512|188|74|74"])
        #expect(
            try SQLiteShell.lines(
                "SELECT seq, (code >> 36) & 255, unit, length(times) FROM event JOIN event_times ON event = id WHERE session = 2",
                on: history.path) == ["1|255|1000|1792", "257|43|1000|264"])
    }

    /// A row that others have rows behind stays as it is.
    @Test func aRowThatIsNotTheLastDoesNotGrow() async throws {
        let events = Self.regular(60)
        var logs: [(log: SessionLog, source: WaitingEvents)] = []
        for _ in 0...2 {
            let log = try #require(try await history.begin(SessionStart(definition: Self.definition)))
            logs.append((log, WaitingEvents()))
        }
        var random = SeededRandom(5)
        for start in stride(from: 0, to: events.count, by: 7) {
            let piece = Array(events[start..<start + 7])
            for index in [0, 1, 2].shuffled(using: &random) {
                logs[index].source.add(piece, to: logs[index].log)
                if Bool.random(using: &random) { try await logs[index].log.flush(logs[index].source) }
            }
        }
        for (log, source) in logs { try await log.close(source, state: .complete) }
        for (log, _) in logs { try history.expect(log.session, holds: events) }
        #expect(try history.verify().problems.isEmpty)
    }

    /// Nor does one that only ids part from the session's next batch.
    @Test func aRowBehindWhichOthersHaveNoFrames() async throws {
        var other = SessionScript()
        for _ in 0..<60 { other.add(.bypass) }
        let events = Self.regular(60)
        let log = try #require(try await history.begin(SessionStart(definition: Self.definition)))
        let another = try #require(try await history.begin(SessionStart(definition: Self.definition)))
        let (source, noise) = (WaitingEvents(), WaitingEvents())
        for batch in 0..<60 {
            source.add(Array(events[batch * 7..<batch * 7 + 7]), to: log)
            try await log.flush(source)
            noise.add([other.events[batch]], to: another)
            try await another.flush(noise)
        }
        try await log.close(source, state: .complete)
        try await another.close(noise, state: .complete)
        try history.expect(log.session, holds: events)
        try history.expect(another.session, holds: other.events)
        #expect(try history.verify().problems.isEmpty)
    }

    /// Batches that give out what came in before them, and those that release what came in, have rows of their own events: a pattern
    /// has no word for the one, and views look for the other.
    @Test func whatPatternsHaveNoWordFor() async throws {
        var script = SessionScript()
        var before: any Frame = SessionScript.text("0", id: 100)
        script.add(.bypass, direction: .downstream, frame: before)
        for batch in 1...20 as ClosedRange<Int64> {
            let frame = SessionScript.text("\(batch)", id: 100 + batch)
            let inbound = script.add(.inbound, batch: batch, direction: .downstream, frame: frame)
            if batch < 10 {
                let output = script.add(
                    .output, batch: batch, branch: 0, direction: .downstream, emission: 0, arrival: 0, frame: before)
                script.add(
                    .release, batch: batch, branch: 0, direction: .downstream, position: 0, subject: output,
                    outcome: .released)
            } else {
                for branch in 0...1 { script.add(.sync, batch: batch, branch: branch) }
                script.add(
                    .release, batch: batch, direction: .downstream, position: 0, subject: inbound, outcome: .released)
            }
            before = frame
        }
        try await recordAtOnce(script.events)
        try history.expect(1, holds: script.events)
        #expect(try history.verify().problems.isEmpty)
        for order in ["recorded", "arrival", "pipeline"] {
            let released = "SELECT frame_id FROM release_order WHERE frame_order = '\(order)' ORDER BY batch"
            #expect(
                try SQLiteShell.lines(released, on: history.path)
                    == (1...20).map { $0 < 10 ? "\(99 + $0)" : "\(100 + $0)" }, "\(order)")
        }
    }

    @Test func interruptedWithinARow() async throws {
        let events = StreamScript(seed: 4, batches: 200).events
        try await record([events], seed: 4, pieces: 1...3000, state: nil)
        let copy = folder.file("copy.sqlite")
        try await history.copyCountedWithinARow(to: copy)
        let repaired = try History.open(at: copy, for: .writing)
        #expect(try repaired.sessions().first?.state == .interrupted)
        try repaired.expect(1, holds: events)
        #expect(try repaired.verify().problems.isEmpty)
    }

    /// What a transaction would have stored is not taken for stored.
    @Test func aTransactionThatFails() async throws {
        struct Failure: Error {}
        let events = Self.regular(50)
        let lease = try history.writing()
        for _ in 0...1 {
            try await lease.writer.run { connection -> Void in
                _ = #expect(throws: HistoryError.self) {
                    try connection.transaction { db, log in
                        let start = SessionStart(definition: Self.definition)
                        let encoder = try SessionRows.begin(start, by: connection, db, log)
                        try encoder?.append(events, to: log, db)
                        throw Failure()
                    }
                }
            }
        }
        #expect(try number("SELECT count(*) FROM pattern") == 0)
        try await recordAtOnce(events)
        try history.expect(1, holds: events)
        #expect(try history.verify().problems.isEmpty)
        #expect(try number("SELECT count(*) FROM event WHERE \(Self.isShared)") > 0)
    }

    /// What came before an event that cannot be is kept, though it was to become part of a batch.
    @Test func anEventThatCannotBe() async throws {
        var events = Self.regular(50)
        events[events.count - 3].subject = 10_000
        let log = try #require(try await history.begin(SessionStart(definition: Self.definition)))
        let source = WaitingEvents(events)
        await #expect(throws: HistoryError.self) { try await log.close(source, state: .complete) }
        #expect(try history.allEvents(of: 1).map(\.sequence) == Array(1...Int64(events.count - 3)))
        #expect(try history.verify().problems.isEmpty)
    }

    /// Batches that go like few others make no patterns without end.
    @Test func whatHappensOnceIsNoPattern() async throws {
        var script = SessionScript()
        for batch in 1...20 as ClosedRange<Int64> {
            script.add(.inbound, batch: batch, direction: .downstream, frame: Self.large(batch))
            for index in 0..<Int(batch) { script.add(.sync, batch: batch, branch: index) }
            script.add(.close, batch: batch, outcome: .released)
        }
        try await recordAtOnce(script.events)
        #expect(try number("SELECT count(*) FROM pattern") == 0)
        // The second time each is known.
        try await recordAtOnce(script.events)
        #expect(try number("SELECT count(*) FROM pattern") == 20)
        try history.expect(2, holds: script.events)
        // By another process, too.
        history.close()
        let other = try History.open(at: history.path, for: .writing)
        try await other.record(script.events)
        #expect(try number("SELECT count(*) FROM pattern") == 20)
        #expect(try number("SELECT count(*) FROM event WHERE session = 3") == 20)
        try other.expect(3, holds: script.events)
    }

    // MARK: - Changing

    @Test func redactedAsAWhole() async throws {
        let sessions = (5...6).map { StreamScript(seed: $0, batches: 200).events }
        try await record(sessions, seed: 5, pieces: 1...3000)
        _ = try history.redact(1, keeping: .none)
        #expect(try history.verify().problems.isEmpty)
        let read = try history.allEvents(of: 1)
        #expect(
            read.map(\.sequence) == sessions[0].map(\.sequence) && read.map(\.subject) == sessions[0].map(\.subject))
        #expect(read.allSatisfy { $0.frame?.text == nil && $0.frame?.payload == nil })
        #expect(
            try number("SELECT count(*) FROM frames WHERE session = 1 AND (text IS NOT NULL OR payload IS NOT NULL)")
                == 0)
        try history.expect(2, holds: sessions[1])
    }

    @Test func deletedAsAWhole() async throws {
        let sessions = (1...3).map { StreamScript(seed: $0, batches: 200).events }
        try await record(sessions, seed: 9, pieces: 1...3000)
        #expect(try number("SELECT count(*) FROM event_times") > 0)
        _ = try history.delete([2])
        try history.expect(1, holds: sessions[0])
        try history.expect(3, holds: sessions[2])
        #expect(try history.verify().problems.isEmpty)
        _ = try history.delete([1, 3])
        for table in ["event", "event_times", "frame", "note", "dropped_output", "omission", "extent", "discarded"] {
            #expect(try number("SELECT count(*) FROM \(table)") == 0, "\(table)")
        }
    }

    @Test func recoveredAsAWhole() async throws {
        let sessions = (1...2).map { StreamScript(seed: $0, batches: 200).events }
        try await record(sessions, seed: 3, pieces: 1...3000)
        history.close()
        let report = try await History.recover(history.path, to: folder.file("new.sqlite"))
        #expect(report.losses.isEmpty && report.sessions.allSatisfy { $0.losses.isEmpty })
        let new = try History.open(at: folder.file("new.sqlite"))
        for (index, events) in sessions.enumerated() { try new.expect(Int64(index + 1), holds: events) }
        #expect(try new.verify().problems.isEmpty)
        #expect(try number("SELECT count(*) FROM event WHERE \(Self.isShared)", on: new.path) > 3)
    }

    // MARK: - Damage

    /// What is done to the file, and what may be lost by it of 50 batches.
    enum Damage: CaseIterable {
        case noPattern, noEventOfAPattern, anotherPattern, noCopy, neitherAsItWas, noTimes, timesCut, timesNoNumbers,
            timesTooLong, timesOfNothing, longerRow, otherLength

        var sql: String {
            let row = "(SELECT id FROM event WHERE (code >> 45) & 1 ORDER BY id LIMIT 1)"
            return switch self {
            case .noPattern: "DELETE FROM pattern_event; DELETE FROM pattern"
            case .noEventOfAPattern: "DELETE FROM pattern_event WHERE number = 3"
            case .anotherPattern: "UPDATE pattern_event SET code = code + (1 << 20) WHERE number = 2"
            case .noCopy: "UPDATE pattern SET copy = '[[1]]'"
            case .neitherAsItWas:
                "UPDATE pattern_event SET arrival = 5 WHERE number = 2; UPDATE pattern SET copy = replace(copy, '-1', '0')"
            case .noTimes: "DELETE FROM event_times"
            case .timesCut: "UPDATE event_times SET times = substr(times, 1, bytes)"
            case .timesNoNumbers: "UPDATE event_times SET times = CAST(replace(times, '0', 'x') AS BLOB)"
            case .timesTooLong: "UPDATE event_times SET times = CAST(times || substr(times, 1, bytes) AS BLOB)"
            case .timesOfNothing: "INSERT INTO event_times VALUES (1000000, 1, 1, 1, 1, x'30')"
            case .longerRow: "UPDATE event SET code = code | (255 << 36) WHERE id = \(row)"
            case .otherLength: "UPDATE event SET arrival = arrival + 1 WHERE id = \(row)"
            }
        }
    }

    @Test(arguments: Damage.allCases)
    func damaged(_ damage: Damage) async throws {
        let events = StreamScript(seed: 1, batches: 50, stages: 1, irregularity: 0).events
        var plain = SessionScript()
        for id in 1...20 as ClosedRange<Int64> {
            plain.add(.bypass, direction: .downstream, frame: SessionScript.text("another's", id: id))
        }
        try await recordAtOnce(events)
        try await recordAtOnce(plain.events)
        history.close()
        #expect(try History.open(at: history.path).verify().isWhole)
        _ = try SQLiteShell.run("PRAGMA ignore_check_constraints = ON; \(damage.sql)", on: history.path)

        let reading = try History.open(at: history.path)
        #expect(try !reading.verify().isWhole, "\(damage)")
        // What there is twice is read all the same.
        let isHarmless = [.noEventOfAPattern, .anotherPattern, .noCopy, .timesTooLong, .timesOfNothing].contains(damage)
        if isHarmless {
            try reading.expect(1, holds: events)
        } else if damage == .neitherAsItWas {
            #expect(try reading.allEvents(of: 1).count == events.count)
        } else {
            #expect(throws: HistoryError.self) { try reading.allEvents(of: 1) }
        }
        for view in Self.views { _ = try SQLiteShell.run("SELECT * FROM \(view)", on: history.path) }
        if damage == .noPattern {
            // The first batch has rows of its own; nothing is made up for the others.
            #expect(try number("SELECT count(*) FROM moment WHERE session = 1") == 7)
        }
        reading.close()

        let report = try await History.recover(history.path, to: folder.file("new.sqlite"))
        let new = try History.open(at: folder.file("new.sqlite"))
        #expect(try new.verify().problems.isEmpty)
        let found = try new.allEvents(of: 1)
        switch damage {
        case .noPattern:
            // What came in is there all the same.
            let inbound = events.filter { $0.kind == .inbound }
            #expect(found.filter { $0.kind == .inbound }.map(\.frame?.id) == inbound.map(\.frame?.id))
        case .noTimes, .timesCut, .timesNoNumbers:
            #expect(found.map(\.kind) == events.map(\.kind) && found.map(\.subject) == events.map(\.subject))
        case .otherLength: #expect(found.count > 20)
        case .neitherAsItWas, .longerRow: #expect(found.count == events.count)
        case .noEventOfAPattern, .anotherPattern, .noCopy, .timesTooLong, .timesOfNothing:
            try new.expect(1, holds: events)
        }
        #expect(report.sessions.contains { !$0.losses.isEmpty } == (!isHarmless && damage != .longerRow))

        // Deleting takes no more and no less than its own.
        let writing = try History.open(at: history.path, for: .writing)
        _ = try writing.delete([1])
        #expect(try writing.allEvents(of: 2).map(\.frame?.text) == plain.events.map(\.frame?.text))
        if damage != .otherLength {
            #expect(try number("SELECT count(*) FROM frame") == number("SELECT count(DISTINCT frame) FROM moment"))
        }
    }

    /// In a history of before, a row that says that it is of batches is damaged like others.
    @Test(arguments: [44, 45]) func aHistoryOfBeforeIsDamaged(bit: Int) async throws {
        let events = Self.regular(20)
        try await recordAtOnce(events)
        history.close()
        _ = try SQLiteShell.run(FlatHistory.downgrade(to: 3), on: history.path)
        let old = try History.open(at: history.path)
        #expect(try old.verify().isWhole)
        _ = try SQLiteShell.run("UPDATE event SET code = code | (1 << \(bit)) WHERE id = 9", on: history.path)
        #expect(try old.verify().problems.contains { $0.kind == .structure })
        let error = #expect(throws: HistoryError.self) { try old.allEvents(of: 1) }
        #expect(error?.code == .damaged)
        let report = try await History.recover(history.path, to: folder.file("new.sqlite"))
        #expect(report.sessions.map(\.events) == [Int64(events.count)])
    }

    // MARK: - Formats

    @Test func timesReadBack() throws {
        var random: SeededRandom = SeededRandom(3)
        for _ in 0..<300 {
            let steps = Int.random(in: 1...5, using: &random)
            let unit: Int64 = [1, 1000, 20_000_000].randomElement(using: &random) ?? 1
            let largest: Int64 = [1, 1000, SessionEvent.maxTime / 20_000_000].randomElement(using: &random) ?? 1
            var differences: [Int64] = []
            for _ in 0..<steps * Int.random(in: 1...40, using: &random) {
                differences.append(Int64.random(in: -largest / 3...largest, using: &random) * unit)
            }
            let times = EventTimes(differences, steps: steps)
            for index in differences.indices {
                let (repetition, step) = index.quotientAndRemainder(dividingBy: steps)
                let begin = step == 0 ? 0 : differences[repetition * steps]
                #expect(
                    times.time(5, repetition: Int64(repetition), step: Int64(step)) == 5 + begin + differences[index])
            }
            #expect(times.time(0, repetition: Int64(differences.count), step: 0) == nil)
            #expect(times.time(0, repetition: 0, step: Int64(steps)) == nil)
            #expect(times.time(0, repetition: .max, step: .max) == nil)
            let buffer = ByteBuffer(capacity: 8)
            let widths = times.widths
            times.write(widths, to: buffer)
            let digits = Data(buffer.bytes(0..<buffer.count))
            let queue = try DatabaseQueue()
            let read = try queue.read { db in
                try db.firstRow(
                    "SELECT ?, ?, ?, ?, ?",
                    [times.unit, widths.first + (steps - 1) * widths.step, widths.first, widths.step, digits]
                ) { EventTimes($0) }
            }
            #expect(read == times)
        }
    }

    @Test func whatABatchCanBe() {
        func event(_ kind: SessionEvent.Kind, subject: Int64 = 0, frame: Int64 = -1, step: Int64 = 0)
            -> BatchPattern.Event
        {
            BatchPattern.Event(
                code: EventCode(kind: kind, direction: nil, outcome: nil, isLast: false, stage: 0, branch: 0),
                place: -1,
                arrival: -1, subject: subject, frame: frame, step: step)
        }
        let batch = [
            event(.inbound, frame: 0), event(.output, frame: 1), event(.sync, step: 1),
            event(.release, subject: 2, step: 1),
        ]
        #expect(BatchPattern(events: batch).isWhole)
        #expect(BatchPattern(events: batch).frames == 2 && BatchPattern(events: batch).steps == 2)
        let others: [(inout [BatchPattern.Event]) -> Void] = [
            { $0 = [] }, { $0[0].frame = -1 }, { $0[0].step = 1 }, { $0[1].frame = 3 }, { $0[3].subject = 4 },
            { $0[3].subject = -1 }, { $0[3].step = 3 }, { $0[3].step = 0 }, { $0[2].place = -2 },
            { $0[2].code = EventCode(rawValue: 0) }, { $0[2].code = $0[2].code.batches(further: 1) },
            { $0 = Array(repeating: $0[0], count: 257) },
        ]
        for (index, change) in others.enumerated() {
            var changed = batch
            change(&changed)
            #expect(!BatchPattern(events: changed).isWhole, "\(index)")
            #expect(BatchPattern(events: changed).hash != BatchPattern(events: batch).hash || changed == batch)
        }
    }
}
