import Foundation
import PipelineEngine
import Recording
import Synchronization
import Testing

@testable import SessionHistory

/// A `sqlite3` shell that reads, or locks, for long while a session is recorded.
struct LongReaderTests {
    private let folder = TestFolder()

    @Test func theLogIsBoundedAndWhoReadsIsNamed() async throws {
        var options = WriterOptions(patience: 0.3)
        options.checkpointPages = 16
        options.logNotice = 2 << 20
        options.heldGroupWindow = 0
        options.logLimit = 12 << 20
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing, options: options)
        let notices = Mutex<[String]>([])
        let failures = Mutex<[HistoryError]>([])
        let recorder = try await SessionRecorder.start(
            in: history, definition: SessionDefinition(),
            onFailure: { error in failures.withLock { $0.append(error) } },
            onNotice: { notice in notices.withLock { $0.append(notice) } })
        try await recorder.flush()
        let shell = try Shell.Session(history.path)
        #expect(try shell.ask("BEGIN; SELECT count(*) FROM session;") == "1")

        var sequence: Int64 = 0
        var largest: Int64 = 0
        while failures.withLock({ $0.isEmpty }), sequence < 3_000 {
            sequence += 1
            recorder.observe(Events.bypass(sequence, bytes: 50_000))
            if sequence % 8 == 0 { try? await recorder.flush() }
            largest = max(
                largest,
                Int64((try? FileManager.default.attributesOfItem(atPath: history.path + "-wal")[.size] as? Int) ?? 0))
        }
        // Said when it was noticed, and again at each doubling.
        let said = notices.withLock { $0 }
        #expect((2...4).contains(said.count), "\(said)")
        #expect(said.allSatisfy { $0.contains("process \(shell.process) (sqlite3)") }, "\(said)")
        // At the limit it is waited for, and then it is an error that names who reads.
        let error = try #require(failures.withLock { $0.first })
        #expect(error.code == .busy && error.message.contains("process \(shell.process) (sqlite3)"), "\(error)")
        #expect(largest < Int64(options.logLimit) + 2 << 20, "\(largest)")
        // The reader has seen one state all the time, and what was committed is intact.
        #expect(try shell.ask("SELECT count(*) FROM event;") == "0")
        try shell.end()
        await #expect(throws: HistoryError.self) { try await recorder.close(state: .complete) }
        #expect(try Shell.run("PRAGMA integrity_check", on: history.path) == "ok\n")
        let committed = try history.session("last").bypasses
        #expect(committed == sequence - recorder.uncommittedEvents && committed > 100)
    }

    /// With the reader gone before that, nothing is lost and the log starts anew.
    @Test func aReaderThatEndsInTimeCostsNothing() async throws {
        var options = WriterOptions(patience: 30)
        options.checkpointPages = 16
        options.logNotice = 1 << 20
        options.heldGroupWindow = 0
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing, options: options)
        let notices = Mutex<[String]>([])
        let recorder = try await SessionRecorder.start(
            in: history, definition: SessionDefinition(), onNotice: { notice in notices.withLock { $0.append(notice) } }
        )
        try await recorder.flush()
        let shell = try Shell.Session(history.path)
        #expect(try shell.ask("BEGIN; SELECT count(*) FROM session;") == "1")
        var sequence: Int64 = 0
        func record(_ count: Int) async throws {
            for _ in 0..<count {
                sequence += 1
                recorder.observe(Events.bypass(sequence, bytes: 50_000))
                try await recorder.flush()
            }
        }
        while notices.withLock({ $0.isEmpty }), sequence < 1_000 { try await record(1) }
        try shell.end()
        try await record(20)
        #expect(try history.writing().writer.perform { !$0.isLogHeld })
        try await recorder.close(state: .complete)
        #expect(try history.session("last").bypasses == sequence)
        #expect(notices.withLock { $0.count } == 1)
    }

    /// Two recorders, and a shell that keeps one of them waiting: the other one's error names the shell.
    @Test func whoIsToBlameIsNamed() async throws {
        let path = folder.file("h.sqlite")
        let history = try History.open(at: path, for: .writing, options: WriterOptions(patience: 0.2))
        let shell = try Shell.Session(path)
        #expect(try shell.ask("BEGIN IMMEDIATE; SELECT 'locked';") == "locked")
        let other = try LockFile(forHistory: path)
        try other.takeTurn(patience: 1)
        var error = await #expect(throws: HistoryError.self) {
            _ = try await history.begin(SessionStart(definition: SessionDefinition()))
        }
        #expect(
            error?.message.contains("process \(shell.process) (sqlite3) has held it locked") ?? false,
            "\(String(describing: error))")
        try shell.end()
        error = await #expect(throws: HistoryError.self) {
            _ = try await history.begin(SessionStart(definition: SessionDefinition()))
        }
        #expect(error?.message.contains("process \(getpid()) (") ?? false, "\(String(describing: error))")
        other.giveTurn()
        #expect(try await history.begin(SessionStart(definition: SessionDefinition())) != nil)
    }

    /// `full` is kept for whoever asks for it, although the file is open for another.
    @Test func durabilityIsStrengthenedAndNeverWeakened() async throws {
        let path = folder.file("h.sqlite")
        func level(_ history: History) throws -> Int? {
            try history.writing().writer.perform { connection in
                try connection.inTurn { db in try db.firstRow("PRAGMA synchronous") { try $0.int(0) } }
            }
        }
        let first = try History.open(at: path, for: .writing)
        #expect(try level(first) == 1)
        let second = try History.open(at: path, for: .writing, options: WriterOptions(durability: .full))
        #expect(try level(second) == 2)
        let third = try History.open(at: path, for: .writing)
        #expect(try level(third) == 2)
    }
}
