import Foundation
import PipelineEngine
import Testing

@testable import SessionHistory

/// Deleting and pruning: what goes, what stays, what it leaves of the file.
struct RemovalTests {
    private let folder: TemporaryFolder
    private let history: History

    init() throws {
        folder = try TemporaryFolder()
        history = try History.open(at: folder.file("h.sqlite"), for: .writing)
    }

    private func size() -> Int {
        ["", "-wal"].reduce(0) { sum, suffix in
            let attributes = try? FileManager.default.attributesOfItem(atPath: history.path + suffix)
            return sum + (attributes?[.size] as? Int ?? 0)
        }
    }

    /// A session with so many bytes of audio, a drop, a note, a replay and a finding.
    private func record(_ name: String, kilobytes: Int = 0, startedAt: String? = nil) async throws {
        var script = SessionScript()
        for number in 0..<max(1, kilobytes / 10) {
            var audio = OutputAudioRawFrame(
                audio: (0..<10_240).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }, sampleRate: 8000)
            audio.header = FrameHeader(id: Int64(number + 1))
            let output = script.add(.output, batch: 1, branch: 0, frame: audio)
            script.add(.drop, batch: 1, branch: 0, subject: output, detail: "for a test")
        }
        let log = try await history.record(script.events, name: name, startedAt: startedAt)
        let replay = try history.beginReplay(of: log.session, order: .recorded)
        try replay.append([
            ReleaseRow(
                stage: 0, batch: 1, direction: "downstream", position: 0, branch: 0, frameID: 1, frameName: "x",
                frameType: "y")
        ])
        try replay.finish(verdict: "same", differingBatches: 0)
        try history.add([Finding(kind: "x", severity: .note, detail: "y")], to: log.session)
    }

    @Test func deletingLeavesNothingAndShrinksTheFile() async throws {
        try await record("small")
        try await record("large", kilobytes: 3000)
        try await record("other", kilobytes: 10)
        let removal = try history.delete([2])
        #expect(removal.sessions.map(\.name) == ["large"])
        #expect(removal.sizeBefore > 3_000_000)
        let after = try #require(removal.sizeAfter)
        #expect(after < 700_000, "\(after)")
        #expect(size() == after)
        #expect(try history.sessions().map(\.name) == ["small", "other"])
        #expect(try history.allEvents(of: 3).first?.frame?.payload?.bytes.count == 10_240)
        for (table, rows) in [
            ("event", 4), ("frame", 2), ("note", 2), ("dropped_output", 2), ("extent", 2), ("stage", 2), ("branch", 4),
            ("finding", 2), ("replay", 2), ("replay_release", 2), ("discarded", 0),
        ] {
            #expect(try SQLiteShell.run("SELECT count(*) FROM \(table)", on: history.path) == "\(rows)\n", "\(table)")
        }
        #expect(try SQLiteShell.run("PRAGMA integrity_check; PRAGMA foreign_key_check", on: history.path) == "ok\n")
        // A new session gets a number of its own, and none of the old one's rows.
        try await record("new")
        #expect(try history.sessions().map(\.session) == [1, 3, 4])
        #expect(try history.allEvents(of: 4).count == 2)
    }

    @Test func sessionsThatShareTheLogStay() async throws {
        let first = try #require(try await history.begin(SessionStart(definition: SessionScript.definition())))
        let second = try #require(try await history.begin(SessionStart(definition: SessionScript.definition())))
        let (source, other) = (WaitingEvents(), WaitingEvents())
        var script = SessionScript()
        for number in 1...30 {
            let done = script.events.count
            script.batch(Int64(number), text: "t")
            source.add(Array(script.events[done...]), to: first)
            other.add(Array(script.events[done...]), to: second)
            try await first.flush(source)
            try await second.flush(other)
        }
        #expect(throws: HistoryError.self) { try history.delete([1]) }  // being recorded
        try await first.close(source, state: .complete)
        _ = try history.delete([1])
        #expect(try history.allEvents(of: 2).count == 210)
        try await second.close(other, state: .complete)
        #expect(try history.allEvents(of: 2).map(\.frame?.text).filter { $0 != nil }.count == 150)
        #expect(try history.sessions().map(\.session) == [2])
    }

    @Test func pruneRules() async throws {
        for (name, day) in [("a", "01"), ("b", "02"), ("c", "03"), ("d", "04")] {
            try await record(name, kilobytes: 1000, startedAt: "2024-01-\(day)T00:00:00.000Z")
        }
        let now = try #require(Timestamp.date("2024-01-04T12:00:00.000Z"))
        let day = 86_400.0
        #expect(
            try history.prune(.olderThan(seconds: 2 * day), dryRun: true, now: now).sessions.map(\.name) == ["a", "b"])
        #expect(try history.prune(.keep(count: 3), dryRun: true).sessions.map(\.name) == ["a"])
        #expect(try history.prune(.keep(count: 9), dryRun: true).sessions.isEmpty)
        #expect(
            try history.prune(.maxSize(bytes: 4_200_000), dryRun: true).sessions.map(\.name) == ["a", "b"], "\(size())")
        #expect(try history.sessions().count == 4)
        let before = size()
        let kept = try history.prune(.maxSize(bytes: 4_200_000))
        #expect(
            kept.sessions.map(\.name) == ["a", "b"] && (kept.sizeAfter ?? 0) <= 4_200_000
                && kept.sizeBefore == Int64(before))
        #expect(try history.prune(.keep(count: 0)).sessions.count == 2)
        #expect(try history.sessions().isEmpty)
    }

    @Test func aDeletionThatDiedGoesOnAtTheNextOpening() async throws {
        try await record("a", kilobytes: 500)
        try await record("b", kilobytes: 10)
        let replay = try history.beginReplay(of: 1, order: .recorded)
        try replay.append([
            ReleaseRow(
                stage: 0, batch: 1, direction: "downstream", position: 0, branch: 0, frameID: 1,
                frameName: "TextFrame#1",
                frameType: "TextFrame", text: nil)
        ])
        try replay.finish(verdict: "identical", differingBatches: 0)
        try history.writing().writer.perform { connection in
            try connection.transaction { db, _ in try Removing.discard([1], db) }
        }
        #expect(try history.verify().isWhole, "what is still to be freed is no damage")
        history.close()
        #expect(try SQLiteShell.run("SELECT count(*) > 0 FROM discarded", on: history.path) == "1\n")
        let again = try History.open(at: history.path, for: .writing)
        #expect(try again.sessions().map(\.name) == ["b"])
        // It is done behind what else there is to do.
        try await again.record([])
        again.close()
        #expect(
            try SQLiteShell.run("SELECT count(*) FROM discarded; SELECT count(*) FROM event", on: history.path)
                == "0\n2\n")
        #expect(size() < 500_000)
    }

    @Test func whatIsNotThereIsNotDeleted() async throws {
        try await record("a")
        #expect(throws: HistoryError.self) { try history.delete([1, 7]) }
        #expect(try history.sessions().count == 1)
        let reading = try History.open(at: history.path)
        #expect(throws: HistoryError.self) { try reading.delete([1]) }
        #expect(throws: HistoryError.self) { try reading.prune(.keep(count: 0)) }
        #expect(try reading.prune(.keep(count: 0), dryRun: true).sessions.count == 1)
    }
}
