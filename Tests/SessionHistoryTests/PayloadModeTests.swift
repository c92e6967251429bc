import Foundation
import PipelineEngine
import Testing

@testable import SessionHistory

/// What each payload mode leaves in the file, and what works without the rest.
struct PayloadModeTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Content that is found again wherever it stands.
    private static let words = "parrot-and-lighthouse"
    private static let voice = Array("VOICEVOICE-0123456789-".utf8)

    private func script() -> SessionScript {
        var script = SessionScript()
        let audioType = FrameType.known("OutputAudioRawFrame") ?? .dataFrame
        let text = GenericFrame(
            .dataFrame, header: FrameHeader(id: 1, name: Self.words + " name", metadata: ["who": .string(Self.words)]),
            text: Self.words, fields: ["note": .string(Self.words), "raw": .bytes(Self.voice)])
        let audio = GenericFrame(
            audioType, header: FrameHeader(id: 2), payload: FramePayload(name: "audio", bytes: Self.voice),
            fields: ["sample_rate": 16_000, "transcript": .string(Self.words)])
        let image = GenericFrame(
            audioType, header: FrameHeader(id: 3),
            payload: FramePayload(name: "image", bytes: Array(repeatElement(Self.voice, count: 1000).joined())))
        let input = script.add(.inbound, batch: 1, direction: .downstream, frame: text)
        let outputs = [audio, image].enumerated().map { index, frame in
            script.add(
                .output, batch: 1, branch: 0, direction: .downstream, emission: index, arrival: index, frame: frame)
        }
        script.add(
            .error, batch: 1, branch: 0, frame: text, detail: "cannot say \(Self.words)", processor: "Exec#0")
        script.add(.sync, batch: 1, branch: 0)
        for (position, output) in outputs.enumerated() {
            script.add(
                .release, batch: 1, branch: 0, direction: .downstream, position: position, subject: output,
                outcome: position == 1 ? .released : nil)
        }
        script.add(.anomaly, frame: text, detail: "id collision: \(Self.words) and another")
        #expect(input == 1)
        return script
    }

    private func record(_ mode: PayloadMode, in history: History) async throws -> SessionLog {
        let start = SessionStart(definition: SessionScript.definition(branches: 1), payload: mode)
        let log = try #require(try await history.begin(start))
        let source = WaitingEvents()
        source.add(script().events, to: log)
        try await log.flush(source)
        try await log.close(source, state: .complete)
        return log
    }

    /// The history's files while a writer still holds them, so that the write-ahead log is there.
    private func files() throws -> Data {
        var bytes = Data()
        for (_, content) in try folder.listing() { bytes += content }
        return bytes
    }

    @Test func nothingOfTheContentIsInTheFileOrItsLog() async throws {
        for mode in PayloadMode.allCases {
            let folder = try TemporaryFolder()
            let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
            _ = try await record(mode, in: history)
            let listing = try folder.listing()
            #expect((listing["h.sqlite-wal"]?.count ?? 0) > 0)
            func isThere(_ content: [UInt8]) -> Bool {
                listing.values.contains { $0.range(of: Data(content)) != nil }
            }
            #expect(isThere(Array(Self.words.utf8)) == mode.keepsWords, "\(mode)")
            #expect(isThere(Self.voice) == (mode == .full), "\(mode)")
            // Nor as base64, as bytes within fields are kept.
            let base64 = Array(Data(Self.voice).base64EncodedString().utf8)
            #expect(isThere(base64) == (mode == .full), "\(mode)")
        }
    }

    @Test func viewsSayWhatWasNotKept() async throws {
        let path = folder.file("h.sqlite")
        let history = try History.open(at: path, for: .writing)
        for mode in PayloadMode.allCases { _ = try await record(mode, in: history) }
        func column(_ name: String, _ session: Int) throws -> [String] {
            try SQLiteShell.lines(
                "SELECT coalesce(\(name), '-') FROM frames WHERE session = \(session) AND frame_id <= 3 GROUP BY frame_id",
                on: path)
        }
        #expect(try SQLiteShell.lines("SELECT payload FROM sessions", on: path) == ["full", "text", "hash", "none"])
        #expect(try column("omitted", 1) == ["-", "-", "-"])
        #expect(try column("omitted", 2) == ["withheld", "withheld", "withheld"])
        #expect(try column("payload_bytes", 3) == ["-", "22", "22000"])
        #expect(try column("text_bytes", 3) == ["21", "-", "-"])
        #expect(try column("payload_bytes", 4) == ["-", "-", "-"])
        #expect(try column("text", 2) == [Self.words, "-", "-"])
        let texts = try SQLiteShell.lines(
            "SELECT coalesce(text, '-') FROM timeline WHERE session = 3 AND event = 'output'", on: path)
        #expect(texts == ["audio 22 bytes withheld", "image 22000 bytes withheld"])
        #expect(
            try SQLiteShell.lines(
                "SELECT coalesce(text, '-') FROM timeline WHERE session = 4 AND event IN ('inbound', 'error', 'anomaly')",
                on: path) == ["withheld", "-", "-"])
        // The order is the same in all.
        let orders = try (1...4).map {
            try SQLiteShell.run(
                "SELECT frame_order, position, frame_id, frame_type FROM release_order WHERE session = \($0)", on: path)
        }
        #expect(Set(orders).count == 1 && orders[0] != "")
    }

    @Test func framesComeBackWithWhatIsMissing() async throws {
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        let hashed = try await record(.hash, in: history)
        let again = try await record(.hash, in: history)
        let none = try await record(.none, in: history)
        func frames(_ log: SessionLog) throws -> [any Frame] {
            try history.allEvents(of: log.session).compactMap(\.frame)
        }
        let audio = try frames(hashed)[1]
        #expect(audio.payload == nil && audio.fields.isEmpty)
        let missing = try #require(audio.omission)
        #expect(missing.reason == .withheld && missing.payloadName == "audio" && missing.payloadBytes == 22)
        // Equal content is known as equal, other content as other.
        #expect(try audio.hasSameContent(as: frames(again)[1]))
        #expect(try !audio.hasSameContent(as: frames(again)[2]))
        #expect(try frames(none)[1].omission == ContentOmission(.withheld, payloadName: "audio"))
        #expect(try history.sessions().map(\.payload) == [.hash, .hash, .none])
    }

    @Test func anotherHistoryHasAnotherKey() async throws {
        var digests: Set<Int64> = []
        for name in ["a", "b"] {
            let history = try History.open(at: folder.file(name), for: .writing)
            let log = try await record(.hash, in: history)
            let frame = try #require(try history.allEvents(of: log.session).first?.frame)
            digests.insert(try #require(frame.omission?.digest))
        }
        #expect(digests.count == 2)
    }

    @Test func aCopyKeepsWhatIsKnownOfWhatIsMissing() async throws {
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        let log = try await record(.hash, in: history)
        let events = try history.allEvents(of: log.session)
        let copy = try History.open(at: folder.file("copy.sqlite"), for: .writing)
        let start = SessionStart(definition: SessionScript.definition(branches: 1), isImport: true, payload: .hash)
        let other = try #require(try await copy.begin(start))
        let source = WaitingEvents()
        source.add(events, to: other)
        try await other.close(source, state: .complete)
        let read = try copy.allEvents(of: other.session)
        #expect(read.map { $0.frame?.omission } == events.map { $0.frame?.omission })
    }

    /// They are written many at a time, each to its own frame, whatever stands behind them in the table.
    @Test(arguments: [nil, 1000] as [Int64?]) func omissionsOfManyFrames(_ stranger: Int64?) async throws {
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        if let stranger {
            _ = try SQLiteShell.run(
                "INSERT INTO omission(frame, reason) VALUES (\(stranger), 'damaged')", on: history.path)
        }
        var script = SessionScript()
        for number in 1...300 as ClosedRange<Int64> {
            // Every third has nothing that could be left out.
            let text = number % 3 == 0 ? nil : String(repeating: "x", count: Int(number % 100) + 1)
            script.add(.bypass, frame: GenericFrame(.dataFrame, header: FrameHeader(id: number), text: text))
        }
        let log = try #require(
            try await history.begin(SessionStart(definition: SessionScript.definition(branches: 1), payload: .hash)))
        let source = WaitingEvents()
        source.add(script.events, to: log)
        try await log.close(source, state: .complete)
        let frames = try history.allEvents(of: log.session).compactMap(\.frame)
        #expect(frames.map(\.header.id) == Array(1...300))
        for frame in frames {
            let number = frame.header.id
            #expect(frame.omission?.reason == (number % 3 == 0 ? nil : .withheld))
            #expect(frame.omission?.textBytes == (number % 3 == 0 ? nil : number % 100 + 1))
        }
        #expect(Set(frames.compactMap { $0.omission?.digest }).count == 100)
    }

    @Test func sipHashIsThatOfItsAuthors() {
        // The first and the last of the test vectors of the reference implementation, key 00 01 … 0f.
        let key = KeyedHash(key: (0..<16).map { UInt8($0) })
        func hash(_ count: Int) -> UInt64 { (0..<count).map { UInt8($0) }.withUnsafeBytes { key.hash($0) } }
        #expect(hash(0) == 0x726f_db47_dd0e_0e31)
        #expect(hash(15) == 0xa129_ca61_49be_45e5)
        #expect(hash(63) == 0x958a_324c_eb06_4572)
    }
}
