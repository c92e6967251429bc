import Foundation
import PipelineEngine
import Synchronization
import Testing

@testable import SessionHistory

/// Group commits: what others see, what happens when something goes wrong.
struct WriterTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func open(_ change: (inout WriterOptions) -> Void = { _ in }) throws -> History {
        var options = WriterOptions()
        change(&options)
        return try History.open(at: folder.file("h.sqlite"), for: .writing, options: options)
    }

    @Test func anOpenBatchIsThereForOthersToSee() async throws {
        let history = try open()
        var script = SessionScript()
        script.add(.inbound, batch: 1, direction: .downstream, frame: SessionScript.text("hang", id: 1))
        script.add(
            .output, batch: 1, branch: 1, direction: .downstream, emission: 0, arrival: 0,
            frame: SessionScript.text("out", id: 2))
        script.add(.sync, batch: 1, branch: 1)
        let log = try await history.record(script.events, state: nil)
        #expect(
            try SQLiteShell.lines(
                "SELECT branch, outputs, sync_ms, straggler FROM barriers WHERE session = 1", on: history.path)
                == ["0|0||1", "1|1|3.0|0"])
        #expect(
            try SQLiteShell.lines("SELECT outcome FROM batches; SELECT state FROM sessions", on: history.path) == [
                "open", "recording",
            ])
        #expect(try history.session("last").state == .recording)
        _ = log
    }

    /// Without a flush, and while the sequence of commits goes on: nobody needs to ask for it.
    @Test func eventsAreCommittedByThemselves() async throws {
        let history = try open()
        let log = try #require(try await history.begin(SessionStart(definition: SessionScript.definition())))
        let source = WaitingEvents()
        var script = SessionScript()
        script.add(.bypass, frame: SessionScript.text("x", id: 1))
        source.add(script.events, to: log)
        let reader = try History.open(at: history.path)
        for _ in 0..<2000 {
            if try !reader.allEvents(of: 1).isEmpty { break }
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(try reader.allEvents(of: 1).count == 1)
        // The counts of the session follow, though nothing more happens.
        for _ in 0..<3000 {
            if try reader.sessions()[0].bypasses == 1 { break }
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(try reader.sessions()[0].bypasses == 1)
        try await log.close(source, state: .complete)
    }

    @Test(arguments: [
        (2, Int64(0), "follows event 0"), (1, 1, "is about event 1, which is not before it"), (1, 7, "not before it"),
    ])
    func anEventThatCannotBeEndsItsSessionOnly(_ sequence: Int64, _ subject: Int64, _ words: String) async throws {
        let history = try open()
        let good = try #require(try await history.begin(SessionStart(definition: SessionScript.definition())))
        let bad = try #require(try await history.begin(SessionStart(definition: SessionScript.definition())))
        let (goodSource, badSource) = (WaitingEvents(), WaitingEvents())
        var script = SessionScript()
        script.batch(1, text: "x")
        badSource.add([SessionEvent(sequence: sequence, time: 0, kind: .release, subject: subject)], to: bad)
        goodSource.add(script.events, to: good)
        await #expect(throws: HistoryError.self) { try await bad.flush(badSource) }
        try await good.close(goodSource, state: .complete)
        #expect(badSource.failure.withLock { $0?.code } == .invalidEvent)
        #expect(badSource.failure.withLock { $0?.message.contains(words) } == true)
        await #expect(throws: HistoryError.self) { try await bad.close(badSource, state: .complete) }
        #expect(try history.sessions().map(\.state) == [.complete, .failed])
        #expect(try history.allEvents(of: good.session).count == 7)
        #expect(goodSource.failure.withLock { $0 } == nil)
    }

    @Test func whatCameBeforeABadEventIsKept() async throws {
        let history = try open()
        var script = SessionScript()
        script.batch(1, text: "x")
        let log = try #require(try await history.begin(SessionStart(definition: SessionScript.definition())))
        let source = WaitingEvents()
        source.add(script.events + [SessionEvent(sequence: 99, time: 0, kind: .bypass)], to: log)
        await #expect(throws: HistoryError.self) { try await log.close(source, state: .complete) }
        #expect(try history.allEvents(of: 1).count == 7)
        let session = try history.session("1")
        #expect(session.state == .failed && session.released == 2 && session.inbound == 1)
    }

    @Test func numbersOutOfRangeAreRefused() async throws {
        let history = try open()
        for event in [
            SessionEvent(sequence: 1, time: 0, kind: .close, stage: EventCode.maxStage + 1),
            SessionEvent(sequence: 1, time: 0, kind: .close, branch: EventCode.maxBranch + 1),
            SessionEvent(sequence: 1, time: 0, kind: .close, stage: -2),
        ] {
            await #expect(throws: HistoryError.self) { try await history.record([event]) }
        }
        var definition = SessionScript.definition(branches: EventCode.maxBranch + 1)
        _ = try await history.record([], definition: definition)
        definition = SessionScript.definition(branches: EventCode.maxBranch + 2)
        await #expect(throws: HistoryError.self) { try await history.record([], definition: definition) }
        definition = SessionDefinition(stages: [.init(number: 3, name: "x", frameOrder: nil, branches: [])])
        await #expect(throws: HistoryError.self) { try await history.record([], definition: definition) }
    }

    @Test func theSameSessionTwiceChangesNothing() async throws {
        let history = try open()
        let uuid = "0f8fad5b-d9cb-469f-a165-70867728950e"
        let start = SessionStart(definition: SessionScript.definition(), uuid: uuid.uppercased(), isImport: true)
        let first = try #require(try await history.begin(start))
        #expect(first.uuid == uuid)
        // While it is being imported it is neither there nor not.
        await #expect(throws: HistoryError.self) { try await history.begin(start) }
        try await first.close(WaitingEvents(), state: .interrupted)
        #expect(try await history.begin(start) == nil)
        #expect(try history.sessions().count == 1)
        for bad in ["", "x", "0f8fad5b-d9cb-469f-a165-70867728950", "zf8fad5b-d9cb-469f-a165-70867728950e"] {
            await #expect(throws: HistoryError.self) {
                try await history.begin(SessionStart(definition: SessionDefinition(), uuid: bad))
            }
        }
    }

    @Test func manySessionsAtOnceKeepTheirOwn() async throws {
        let history = try open { $0.groupWindow = 1_000_000 }
        var logs: [(log: SessionLog, source: WaitingEvents)] = []
        for _ in 0..<20 {
            logs.append(
                (
                    try #require(try await history.begin(SessionStart(definition: SessionScript.definition()))),
                    WaitingEvents()
                ))
        }
        var script = SessionScript()
        for number in 1...60 {
            script.batch(Int64(number), text: "t\(number)", arrivals: number % 3 == 0 ? [1, 0] : [0, 1])
        }
        let events = script.events
        for start in stride(from: 0, to: events.count, by: 5) {
            for (log, source) in logs { source.add(Array(events[start..<min(start + 5, events.count)]), to: log) }
            if start % 50 == 0 { try await logs[0].log.flush(logs[0].source) }
        }
        // Read while they are written, and after.
        try await logs[7].log.flush(logs[7].source)
        #expect(try history.allEvents(of: logs[7].log.session).map(\.sequence) == Array(1...Int64(events.count)))
        for (log, source) in logs { try await log.close(source, state: .complete) }
        for (log, _) in logs {
            let read = try history.allEvents(of: log.session)
            #expect(read.map(\.sequence) == events.map(\.sequence))
            #expect(read.map(\.subject) == events.map(\.subject))
        }
        #expect(
            try SQLiteShell.lines(
                "SELECT count(*), min(n), max(n) FROM (SELECT count(*) AS n FROM order_diff GROUP BY session)",
                on: history.path)
                == ["20|40|40"])
        // Every event is in one extent of its session, and no extent says otherwise.
        #expect(
            try SQLiteShell.lines(
                "SELECT count(*) FROM moment; SELECT sum(1 + ((code >> 36) & 255)) FROM event", on: history.path)
                == ["\(20 * events.count)", "\(20 * events.count)"])
    }

    /// A subject that the writer no longer has in memory is found in the file.
    @Test func aSubjectFromLongAgo() async throws {
        let history = try open { $0.groupWindow = 0 }
        let first = try #require(try await history.begin(SessionStart(definition: SessionScript.definition())))
        let second = try #require(try await history.begin(SessionStart(definition: SessionScript.definition())))
        // The subject is within a row.
        var script = SessionScript()
        script.step = 0
        var output: Int64 = 0
        for index in 0...2 {
            output = script.add(
                .output, batch: 1, branch: 0, emission: index, arrival: index,
                frame: SessionScript.text("old \(index)", id: Int64(index) + 5))
        }
        let (source, other) = (WaitingEvents(script.events), WaitingEvents())
        try await first.flush(source)
        #expect(try SQLiteShell.run("SELECT count(*) FROM event", on: history.path) == "1\n")
        var noise = SessionScript()
        // Two sessions in turns: each commit is a run of its own.
        for number in 0..<2100 {
            script.add(.bypass)
            noise.add(.bypass)
            source.add([script.events[number + 3]], to: first)
            try await first.flush(source)
            other.add([noise.events[number]], to: second)
            try await second.flush(other)
        }
        script.add(.release, batch: 1, branch: 0, position: 0, subject: output, outcome: .released)
        source.add([script.events[2103]], to: first)
        try await first.close(source, state: .complete)
        try await second.close(other, state: .complete)
        let read = try history.allEvents(of: first.session)
        #expect(read.count == 2104 && read.last?.subject == output && read.last?.frame?.text == "old 2")
    }

    @Test func durabilityIsReallyInForce() async throws {
        for durability in WriterOptions.Durability.allCases {
            let path = folder.file("\(durability).sqlite")
            let history = try History.open(at: path, for: .writing, options: WriterOptions(durability: durability))
            let found = try history.writing().writer.perform { connection in
                try connection.inTurn { db in try db.firstRow("PRAGMA synchronous") { try $0.int(0) } }
            }
            #expect(found == (durability == .full ? 2 : 1))
        }
    }

    /// The write-ahead log starts anew again and again while much is written.
    @Test func theWriteAheadLogStaysSmall() async throws {
        let history = try open { $0.checkpointPages = 64 }
        let log = try #require(try await history.begin(SessionStart(definition: SessionScript.definition())))
        let source = WaitingEvents()
        var largest = 0
        var script = SessionScript()
        for number in 1...300 {
            var audio = OutputAudioRawFrame(
                audio: [UInt8](repeating: UInt8(number % 251), count: 100_000), sampleRate: 8000)
            audio.header = FrameHeader(id: Int64(number))
            script.add(.bypass, frame: audio)
            source.add([script.events[number - 1]], to: log)
            try await log.flush(source)
            let attributes = try FileManager.default.attributesOfItem(atPath: history.path + "-wal")
            largest = max(largest, attributes[.size] as? Int ?? 0)
        }
        try await log.close(source, state: .complete)
        #expect(largest < 64 * 16_384 * 3, "\(largest)")
        #expect(try history.session("1").bypasses == 300)
    }

    /// A shell that holds the write lock: nothing is lost, the wait is bounded, and who it is is said.
    @Test func aShellHoldsTheWriteLock() async throws {
        let history = try open { $0.patience = 0.3 }
        try await history.record([], name: "before")
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        shell.arguments = ["sqlite3", "-batch", history.path]
        let (input, output) = (Pipe(), Pipe())
        shell.standardInput = input
        shell.standardOutput = output
        try shell.run()
        input.fileHandleForWriting.write(Data("BEGIN IMMEDIATE; SELECT 'locked';\n".utf8))
        _ = output.fileHandleForReading.availableData
        // As on a machine with many: more of the kernel's table than it gives at a time.
        let others = try Locks(in: folder)
        defer { others.release() }
        do {
            _ = try await history.begin(SessionStart(definition: SessionDefinition()))
            Issue.record("the lock was not felt")
        } catch let error as HistoryError {
            #expect(error.code == .busy)
            #expect(error.message.contains("\(shell.processIdentifier)"), "\(error)")
        }
        input.fileHandleForWriting.write(Data("ROLLBACK;\n".utf8))
        try input.fileHandleForWriting.close()
        shell.waitUntilExit()
        try await history.record([], name: "after")
        #expect(try history.sessions().map(\.name) == ["before", "after"])
    }

    @Test func theTurnIsAnothersForTooLong() async throws {
        let history = try open { $0.patience = 0.1 }
        let other = try LockFile(forHistory: history.path)
        try other.takeTurn(patience: 1)
        do {
            _ = try await history.begin(SessionStart(definition: SessionDefinition()))
            Issue.record("the turn was not felt")
        } catch let error as HistoryError {
            #expect(error.code == .busy)
            #expect(error.message.contains("process \(getpid())"), "\(error)")
        }
        other.giveTurn()
        try await history.record([])
    }
}

/// Locks on a file for each processor: two pages of the kernel's table each, which lists for each processor what it locked itself.
private struct Locks {
    private let files: [Int32]

    init(in folder: TemporaryFolder) throws {
        files = (0..<ProcessInfo.processInfo.activeProcessorCount).map {
            open(folder.file("locked\($0)"), O_RDWR | O_CREAT, 0o600)
        }
        try #require(!files.contains(-1))
        DispatchQueue.concurrentPerform(iterations: files.count) { [files] index in
            // Every second byte: neighbours would be one lock.
            for place in 0..<200 {
                var lock = flock()
                lock.l_type = Int16(F_WRLCK)
                lock.l_start = 2 * place
                lock.l_len = 1
                #expect(fcntl(files[index], F_SETLK, &lock) == 0)
            }
        }
    }

    func release() { for file in files { close(file) } }
}
