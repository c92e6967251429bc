import Foundation
import PipelineEngine
import Testing

@testable import SessionHistory

/// Recording processes that die, and several that live.
struct InterruptionTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Records an open batch and dies of `signal` without warning.
    private static func recordAndDie(_ path: String) async throws {
        let history = try History.open(at: path, for: .writing)
        var script = SessionScript()
        for number in 1...1500 { script.batch(Int64(number), text: "t") }
        script.add(.inbound, batch: 1501, direction: .downstream, frame: SessionScript.text("hang", id: 99_999))
        script.add(.sync, batch: 1501, branch: 1)
        try await history.record(script.events, name: "dead", state: nil)
        kill(getpid(), SIGKILL)
    }

    @Test func aKilledRecordingIsInterruptedAndWhole() async throws {
        let path = folder.file("h.sqlite")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in try await Self.recordAndDie(path)
        }
        // A reader sees it already; it changes nothing.
        #expect(try SQLiteShell.run("SELECT state FROM sessions", on: path) == "recording\n")
        #expect(try History.open(at: path).sessions().map(\.state) == [.interrupted])
        let history = try History.open(at: path, for: .writing)
        #expect(try SQLiteShell.run("SELECT state FROM sessions", on: path) == "interrupted\n")
        let session = try history.session("dead")
        #expect(session.state == .interrupted && session.endedAt != nil)
        #expect(session.inbound == 1501 && session.outputs == 3000 && session.released == 3000)
        #expect(session.durationMs == 10_502)
        #expect(try history.allEvents(of: session.session).map(\.sequence) == Array(1...10_502))
        // Its last open batch, and the branch that had not synced.
        #expect(
            try SQLiteShell.lines(
                "SELECT batch, branch, sync_ms FROM barriers WHERE session = 1 AND straggler AND batch IN (SELECT batch FROM batches WHERE session = 1 AND outcome = 'open')",
                on: path) == ["1501|0|"])
        // Extents end, and know their batches.
        #expect(
            try SQLiteShell.run("SELECT count(*) FROM extent WHERE last_event = 9223372036854775807", on: path) == "0\n"
        )
        #expect(
            try SQLiteShell.run("SELECT count(*) FROM timeline WHERE session = 1 AND batch = 700", on: path) == "7\n")
    }

    @Test func aCopyOfALivingHistoryIsInterrupted() async throws {
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        var script = SessionScript()
        script.batch(1, text: "x")
        let log = try await history.record(script.events, state: nil)
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: history.path + suffix, toPath: folder.file("copy.sqlite" + suffix))
        }
        #expect(try history.sessions()[0].state == .recording)
        #expect(try History.open(at: folder.file("copy.sqlite"), for: .writing).sessions()[0].state == .interrupted)
        #expect(log.session == 1)
    }

    /// Another process records into the same file; both take turns, a third reads.
    @Test func twoProcessesRecordIntoOneFile() async throws {
        let path = folder.file("h.sqlite")
        let history = try History.open(at: path, for: .writing)
        async let other: Void = {
            await #expect(processExitsWith: .success) { [path = path as String] in
                let history = try History.open(at: path, for: .writing)
                let log = try #require(
                    try await history.begin(SessionStart(definition: SessionScript.definition(), name: "other")))
                let source = WaitingEvents()
                var script = SessionScript()
                for number in 1...300 {
                    let done = script.events.count
                    script.batch(Int64(number), text: "t")
                    source.add(Array(script.events[done...]), to: log)
                    if number % 3 == 0 { try await log.flush(source) }
                }
                try await log.close(source, state: .complete)
            }
        }()
        let log = try #require(
            try await history.begin(SessionStart(definition: SessionScript.definition(), name: "own")))
        let source = WaitingEvents()
        let reader = try History.open(at: path)
        var script = SessionScript()
        for number in 1...300 {
            let done = script.events.count
            script.batch(Int64(number), text: "t")
            source.add(Array(script.events[done...]), to: log)
            if number % 3 == 0 { try await log.flush(source) }
            if number % 50 == 0 { #expect(try !reader.sessions().contains { $0.state == .interrupted }) }
        }
        try await log.close(source, state: .complete)
        await other
        for name in ["own", "other"] {
            let session = try history.session(name)
            #expect(session.state == .complete, "\(session)")
            #expect(session.inbound == 300)
            let events = try history.allEvents(of: session.session)
            #expect(events.map(\.sequence).elementsEqual(1...2100), "\(name)")
            #expect(events.allSatisfy { $0.kind != .release || $0.frame?.text?.hasPrefix("t ") == true })
        }
        #expect(try SQLiteShell.run("PRAGMA integrity_check; PRAGMA foreign_key_check", on: path) == "ok\n")
    }

    /// A process that dies while it imports leaves no half of a session in the way of the next try.
    @Test func anImportThatDiedBeginsAnew() async throws {
        let path = folder.file("h.sqlite")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let history = try History.open(at: path, for: .writing)
            let start = SessionStart(
                definition: SessionScript.definition(), uuid: "0f8fad5b-d9cb-469f-a165-70867728950e", isImport: true)
            let log = try #require(try await history.begin(start))
            let source = WaitingEvents()
            var script = SessionScript()
            script.batch(1, text: "half")
            source.add(script.events, to: log)
            try await log.flush(source)
            kill(getpid(), SIGKILL)
        }
        let history = try History.open(at: path, for: .writing)
        let start = SessionStart(
            definition: SessionScript.definition(), uuid: "0f8fad5b-d9cb-469f-a165-70867728950e", isImport: true)
        let log = try #require(try await history.begin(start))
        try await log.close(WaitingEvents(), state: .complete)
        #expect(try history.sessions().map(\.inbound) == [0])
        #expect(try await history.begin(start) == nil)
    }

    /// kill -9 while the file is made leaves either nothing or a whole history under its name.
    @Test func aDraftLeftBehindIsNoObstacle() async throws {
        let path = folder.file("h.sqlite")
        try Data("half".utf8).write(to: URL(fileURLWithPath: path + ".new"))
        try await History.open(at: path, for: .writing).record([])
        #expect(try folder.listing().keys.sorted() == ["h.sqlite", "h.sqlite.lock"])
    }
}
