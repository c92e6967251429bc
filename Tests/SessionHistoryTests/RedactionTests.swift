import Foundation
import GRDB
import PipelineEngine
import Testing

@testable import SessionHistory

/// Content that is taken out of a session afterwards: gone from every byte of the files.
struct RedactionTests {
    private let folder: TemporaryFolder
    private static let words = "the password is swordfish"
    private static let voice = Array("VOICEVOICE-0123456789-".utf8)

    init() throws { folder = try TemporaryFolder() }

    private func script(_ words: String) -> SessionScript {
        var script = SessionScript()
        let audioType = FrameType.known("OutputAudioRawFrame") ?? .dataFrame
        for number in 1...30 as ClosedRange<Int64> {
            script.batch(number, text: "\(words) \(number)")
            let repeats = number % 10 == 0 ? 3000 : 3
            script.add(
                .bypass, direction: .downstream,
                frame: GenericFrame(
                    audioType, header: FrameHeader(id: 1000 + number, name: words, metadata: ["m": .string(words)]),
                    payload: FramePayload(
                        name: "audio", bytes: Array(repeatElement(Self.voice, count: repeats).joined())),
                    fields: ["sample_rate": 16_000, "said": .string(words), "raw": .bytes(Self.voice)]))
            script.add(.error, batch: number, frame: SessionScript.text("x", id: 5), detail: words, processor: "P#0")
        }
        return script
    }

    /// Looks with another program: a file that this process opens and closes loses the locks that SQLite has on it.
    private func isThere(_ content: [UInt8]) throws -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["grep", "-rqaF", "-e", String(decoding: content, as: UTF8.self), folder.path]
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    @Test(arguments: [PayloadMode.none, .hash, .text])
    func theOldBytesAreGone(_ mode: PayloadMode) async throws {
        let path = folder.file("h.sqlite")
        let history = try History.open(at: path, for: .writing)
        let other = try await history.record(script("another session's words").events)
        let log = try await history.record(script(Self.words).events)
        let otherEvents = try SQLiteShell.run("SELECT * FROM frames WHERE session = 1", on: path)
        let order = try SQLiteShell.run(
            "SELECT * FROM release_order WHERE session = 2 AND frame_order = 'pipeline'", on: path
        )
        .count { $0 == "\n" }
        #expect(try isThere(Array(Self.words.utf8)))

        let redaction = try history.redact(log.session, keeping: mode)
        #expect(redaction.isLogEmptied && redaction.frames >= 30 && redaction.session.payload == mode)
        #expect(try isThere(Array(Self.words.utf8)) == mode.keepsWords)
        #expect(try history.verify().problems == [])
        // The other session is as it was, voice included.
        #expect(try SQLiteShell.run("SELECT * FROM frames WHERE session = \(other.session)", on: path) == otherEvents)
        let lines = try SQLiteShell.run(
            "SELECT * FROM release_order WHERE session = 2 AND frame_order = 'pipeline'", on: path)
        #expect(lines.count { $0 == "\n" } == order)
        #expect(
            try SQLiteShell.lines(
                "SELECT count(*), sum(omitted = 'redacted') FROM frames WHERE session = 2 AND frame_type LIKE '%Audio%'",
                on: path) == ["30|30"])

        // And the other's, too: then no voice is left anywhere.
        _ = try history.redact(other.session, keeping: mode)
        #expect(try !isThere(Self.voice))
        #expect(try !isThere(Array(Data(Self.voice).base64EncodedString().utf8)))
        #expect(try isThere(Array("another session's".utf8)) == mode.keepsWords)
        #expect(try history.verify().problems == [])
        history.close()
        #expect(try !isThere(Self.voice))
    }

    @Test func whatIsRecordedAfterwardsIsWhole() async throws {
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        let first = try await history.record(script(Self.words).events)
        // A session that is being recorded meanwhile, of the same shapes of frames.
        let log = try #require(try await history.begin(SessionStart(definition: SessionScript.definition())))
        let source = WaitingEvents()
        let events = script("still here").events
        source.add(Array(events[..<50]), to: log)
        try await log.flush(source)
        _ = try history.redact(first.session)
        _ = try history.delete([first.session])
        source.add(Array(events[50...]), to: log)
        try await log.close(source, state: .complete)
        #expect(try history.verify().problems == [])
        let frames = try history.allEvents(of: log.session).compactMap(\.frame)
        let audio = frames.filter { $0.payload != nil }
        #expect(audio.count == 30 && audio.allSatisfy { $0.fields["said"] == "still here" })
    }

    @Test func deletingLeavesNothingToRead() async throws {
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        let log = try await history.record(script(Self.words).events)
        _ = try history.delete([log.session])
        history.close()
        #expect(try !isThere(Array(Self.words.utf8)))
        #expect(try !isThere(Self.voice))
    }

    @Test func aReaderInTheWayIsSaid() async throws {
        let path = folder.file("h.sqlite")
        let history = try History.open(at: path, for: .writing, options: WriterOptions(patience: 0.2))
        let log = try await history.record(script(Self.words).events)
        let reader = try DatabaseQueue(path: path)
        try await reader.write { _ in }
        let redaction = try reader.unsafeReentrantRead { db in
            try db.execute(sql: "BEGIN")
            _ = try Row.fetchAll(db, sql: "SELECT count(*) FROM event")
            defer { try? db.execute(sql: "COMMIT") }
            return try history.redact(log.session)
        }
        #expect(!redaction.isLogEmptied)
        // Once it is gone, it can be done.
        #expect(try history.redact(log.session).isLogEmptied)
        #expect(try !isThere(Array(Self.words.utf8)))
    }

    @Test func anUnfinishedRedactionIsSaidAndCanBeFinished() async throws {
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        let log = try await history.record(script(Self.words).events)
        let session = log.session
        try history.writing().writer.perform { connection in
            try connection.transaction { db, _ in _ = try Redacting(begin: session, keeping: .none, db) }
        }
        let half = try history.verify()
        #expect(half.isWhole && half.remarks.count == 1 && half.remarks[0].contains("redaction"))
        _ = try history.redact(session)
        let done = try history.verify()
        #expect(done.isWhole && done.remarks.isEmpty)
    }

    @Test func whatCannotBeRedacted() async throws {
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        #expect(throws: HistoryError.self) { try history.redact(9) }
        let log = try await history.record(script(Self.words).events, state: nil)
        #expect(throws: HistoryError.self) { try history.redact(log.session) }
    }
}
