import PipelineEngine
import Testing

@testable import SessionHistory

/// What is written reads back as it was.
struct RoundTripTests {
    private let folder: TemporaryFolder
    private let history: History

    init() throws {
        folder = try TemporaryFolder()
        history = try History.open(at: folder.file("h.sqlite"), for: .writing)
    }

    @Test func everyKindOfEventReadsBack() async throws {
        var script = SessionScript()
        script.batch(1, text: "one")
        script.add(.bypass, direction: .upstream, frame: SessionScript.text("up", id: 91))
        script.add(.inbound, batch: 2, direction: .upstream, frame: SessionScript.text("two", id: 92))
        let late = script.add(
            .late, batch: 2, branch: 1, direction: .downstream, emission: 3, arrival: 4,
            frame: SessionScript.text("late", id: 93))
        script.add(.duplicate, batch: 2, branch: 1, direction: .downstream, position: 7, subject: late)
        script.add(.drop, batch: 2, branch: 1, direction: .downstream, subject: late, detail: "interrupted")
        script.add(.drop, frame: SessionScript.text("refused", id: 94), detail: "refused: too late")
        script.add(.stall, batch: 2, branch: 0, detail: "it sleeps", processor: "P#0")
        script.add(
            .error, batch: 2, branch: 0, frame: ErrorFrame(error: "x", processor: "P#0"), detail: "boom",
            processor: "P#0")
        script.add(
            .anomaly, batch: 2, branch: 1, subject: late, frame: SessionScript.text("other", id: 93), detail: "odd")
        script.add(.close, batch: 2, outcome: .interrupted)
        script.stage = -1
        script.add(.anomaly, detail: "of the session")
        script.stage = EventCode.maxStage
        script.add(.close, batch: .max, branch: EventCode.maxBranch, outcome: .failed)

        let log = try await history.record(script.events)
        let read = try history.allEvents(of: log.session)
        #expect(read.map(EventFacts.init) == script.events.map(EventFacts.init))
        for (before, after) in zip(script.events, read) {
            if let frame = before.frame {
                #expect(after.frame?.id == frame.id)
                #expect(after.frame?.name == frame.name)
                #expect(after.frame.map { frame.hasSameContent(as: $0) || $0.hasSameContent(as: frame) } == true)
            } else if before.subject > 0 {
                #expect(after.frame?.id == script.events[Int(before.subject) - 1].frame?.id)
            } else {
                #expect(after.frame == nil)
            }
        }
    }

    @Test func everyKindOfValueReadsBack() async throws {
        let metadata: FrameFields = [
            "null": .null, "yes": true, "no": false, "least": .integer(.min), "most": .integer(.max), "half": 0.5,
            "whole": .number(5), "tiny": .number(.leastNonzeroMagnitude), "nan": .number(.nan),
            "endless": .number(-.infinity), "text": "a\"b\\c\n\u{0}\u{1}é🎈", "bytes": .bytes([0, 1, 255, 254]),
            "list": .array([.null, 1, .array([]), .object([:])]),
            "posing": .object(["$base64": "AAAA"]), "posing again": .object(["$object": .object(["$number": "1"])]),
            "nested": .object(["b": 1, "a": .object(["z": .bytes([])])]), "": "empty name",
        ]
        let type = FrameType("OwnFrame", base: .controlFrame, isInterruptible: false)
        let frame = GenericFrame(
            type, header: FrameHeader(id: 7, pts: -5, name: "Own\u{0}#x", metadata: metadata), text: "nul \u{0} inside",
            payload: FramePayload(name: "blob", bytes: Array(0...255)), fields: metadata)
        let empty = GenericFrame(
            .frame, header: FrameHeader(id: 8), text: "", payload: FramePayload(name: "", bytes: []), fields: [:])
        var script = SessionScript()
        script.add(.bypass, frame: frame)
        script.add(.bypass, frame: empty)

        let log = try await history.record(script.events)
        let read = try history.allEvents(of: log.session)
        let first = try #require(read[0].frame as? GenericFrame)
        #expect(first.name == "Own\u{0}#x")
        #expect(first.header.pts == -5)
        #expect(first.text == "nul \u{0} inside")
        #expect(first.payload == frame.payload)
        #expect(first.type.name == "OwnFrame" && first.type.frameClass == .control && !first.type.isInterruptible)
        #expect(first.type.isKind(of: .controlFrame))
        // NaN differs from itself.
        for (before, after) in [(metadata, first.fields), (metadata, first.header.metadata)] {
            #expect(before.all.map(\.name) == after.all.map(\.name))
            for field in before.all where field.name != "nan" { #expect(after[field.name] == field.value) }
            guard case .number(let number) = after["nan"] else { throw HistoryError(.damaged, "no number") }
            #expect(number.isNaN)
        }
        let second = try #require(read[1].frame as? GenericFrame)
        #expect(second.text == "" && second.payload == FramePayload(name: "", bytes: []) && second.fields.isEmpty)
    }

    @Test func contentIsStoredOnceHoweverManyEventsMentionIt() async throws {
        let audio = [UInt8](repeating: 7, count: 100_000)
        var frame = OutputAudioRawFrame(audio: audio, sampleRate: 16_000)
        frame.header = FrameHeader(id: 5)
        var script = SessionScript()
        script.add(.inbound, batch: 1, direction: .downstream, frame: frame)
        for branch in 0..<2 {
            script.add(
                .output, batch: 1, branch: branch, direction: .downstream, emission: 0, arrival: branch, frame: frame)
        }
        // Changed under the same id (C16): both contents are kept.
        var changed = frame
        changed.audio[0] = 8
        script.add(.late, batch: 1, branch: 1, direction: .downstream, emission: 1, arrival: 2, frame: changed)

        let log = try await history.record(script.events)
        #expect(
            try SQLiteShell.run("SELECT count(*), sum(length(payload)) FROM frame", on: history.path) == "2|200000\n")
        let read = try history.allEvents(of: log.session)
        #expect(read[3].frame?.payload?.bytes.first == 8)
        #expect(read[2].frame?.payload?.bytes == audio)
        #expect(read[2].frame?.fields == frame.fields)
    }

    @Test func orderContentLeavesOutWhatOrdersDoNotNeed() async throws {
        var script = SessionScript()
        script.batch(1, text: "one")
        let log = try await history.record(script.events)
        let read = try history.allEvents(of: log.session, content: .order)
        #expect(read[0].frame?.id == 10 && read[0].frame?.type.name == "TextFrame" && read[0].frame?.text == nil)
    }

    @Test func pagesJoinToTheWholeAndBatchesAreFoundByNumber() async throws {
        var script = SessionScript()
        for number in 1...3000 { script.batch(Int64(number), text: "t\(number)") }
        let log = try await history.record(script.events)
        #expect(try history.allEvents(of: log.session).map(\.sequence) == Array(1...21_000))
        var texts: [String] = []
        try history.forEachEvent(of: log.session, batches: 2000...2001) {
            if $0.kind == .inbound { texts.append($0.frame?.text ?? "") }
            return true
        }
        #expect(texts == ["t2000", "t2001"])
        var other = 0
        try history.forEachEvent(of: log.session, stage: 1) { _ in
            other += 1
            return true
        }
        #expect(other == 0)
    }

    @Test func framesOverTheLimitAreRecordedAsSizeAndHash() async throws {
        let path = folder.file("small.sqlite")
        let small = try History.open(
            at: path, for: .writing, options: WriterOptions(limits: ContentLimits(bytes: 100, nameBytes: 10)))
        var audio = OutputAudioRawFrame(audio: [UInt8](repeating: 1, count: 101), sampleRate: 8000)
        audio.header = FrameHeader(id: 1)
        let exact = SessionScript.text(String(repeating: "é", count: 50), id: 2)
        let over = SessionScript.text(String(repeating: "x", count: 101), id: 3)
        var script = SessionScript()
        script.add(.bypass, frame: audio)
        script.add(.bypass, frame: exact)
        script.add(.bypass, frame: over, detail: String(repeating: "é", count: 20))
        let log = try await small.record(script.events)
        let read = try small.allEvents(of: log.session)
        #expect(read[0].frame?.payload == nil)
        #expect(read[1].frame?.text == exact.content)
        #expect(read[2].frame?.text == nil)
        #expect(read[2].detail == "ééé…")
        #expect(
            try SQLiteShell.lines(
                "SELECT frame_id, omitted, payload_bytes FROM frames WHERE omitted IS NOT NULL", on: path)
                == ["1|truncated|101", "3|truncated|"])
        #expect(
            try SQLiteShell.run("SELECT text FROM timeline WHERE frame_id = 1", on: path)
                == "audio 101 bytes 8000 Hz truncated\n"
        )
    }
}
