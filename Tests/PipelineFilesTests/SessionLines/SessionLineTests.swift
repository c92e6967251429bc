import PipelineEngine
import PipelineFiles
import Testing

@Suite("A session as JSON lines")
struct SessionLineTests {
    private let head = SessionLineHead(
        uuid: "0f8fad5b-d9cb-469f-a165-70867728950e", name: "names \"and\" \u{1b}", source: "a.yaml",
        startedAt: "2026-07-02T14:03:11.123Z",
        definition: SessionDefinition(stages: [
            .init(
                number: 0, name: "outer", frameOrder: .pipeline,
                branches: [.init(number: 0, name: "image", processors: ["Exec#0"]), .init(number: 1, processors: [])]),
            .init(number: 1, name: "inner", frameOrder: nil, branches: [.init(number: 0, processors: [])], parent: 0),
        ]))

    private var events: [SessionEvent] {
        let own = FrameType("OwnFrame", base: .controlFrame, isInterruptible: false)
        let rich = GenericFrame(
            own,
            header: FrameHeader(id: 7, pts: -3, name: "OwnFrame#1", metadata: ["a": .object(["b": .array([.null])])]),
            text: "tab\there, nul\u{0}, 世界", payload: FramePayload(name: "audio", bytes: [0, 255, 10]),
            fields: ["type": "not a type", "number": .number(0.1), "bytes": .bytes([1, 2]), "$base64": "text"])
        return [
            SessionEvent(
                sequence: 1, time: 0, kind: .inbound, stage: 0, batch: 1, direction: .downstream, frame: rich),
            SessionEvent(
                sequence: 2, time: 1_234_567_891, kind: .output, stage: 0, batch: 1, branch: 1, direction: .upstream,
                emission: 0, arrival: 0, frame: rich),
            SessionEvent(
                sequence: 3, time: 1_234_567_892, kind: .error, stage: 0, batch: 1, branch: 0, detail: "went\nwrong",
                processor: "Exec#0"),
            SessionEvent(
                sequence: 4, time: 1_234_567_893, kind: .release, stage: 0, batch: 1, branch: 1, direction: .upstream,
                position: 0, subject: 2, outcome: .released),
            SessionEvent(sequence: 5, time: 1_234_567_894, kind: .anomaly, detail: "outside of stages"),
        ]
    }

    private func written(_ events: [SessionEvent]) -> [UInt8] {
        var writer = SessionLineWriter()
        writer.write(head)
        for event in events { writer.write(event) }
        writer.write(SessionLineFinding(sequence: 3, stage: 0, kind: "sync-missing", severity: "error", detail: "d"))
        writer.write(
            SessionLineEnd(state: "complete", endedAt: "2026-07-02T14:03:12.000Z", events: Int64(events.count)))
        return writer.bytes
    }

    private func read(_ bytes: [UInt8], pieces: Int = .max) throws -> [SessionLine] {
        var reader = SessionLineReader(file: "s.jsonl")
        var lines: [SessionLine] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            reader.append(rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
            while let line = try reader.next() { lines.append(line) }
        }
        reader.finish()
        while let line = try reader.next() { lines.append(line) }
        return lines
    }

    @Test("What is written is read back, every part of it, in pieces of any size", arguments: [1, 7, 100_000])
    func roundTrip(pieces: Int) throws {
        let lines = try read(written(events), pieces: pieces)
        guard case .head(let readHead) = lines[0], case .finding(let finding) = lines[6], case .end(let end) = lines[7]
        else {
            Issue.record("unexpected lines")
            return
        }
        #expect(readHead == head)
        #expect(finding.kind == "sync-missing" && finding.sequence == 3 && finding.batch == nil)
        #expect(end == SessionLineEnd(state: "complete", endedAt: "2026-07-02T14:03:12.000Z", events: 5))
        for (event, line) in zip(events, lines[1...]) {
            guard case .event(let read) = line else {
                Issue.record("\(line) is no event")
                continue
            }
            #expect(read.sequence == event.sequence && read.time == event.time && read.kind == event.kind)
            #expect(read.stage == event.stage && read.batch == event.batch && read.branch == event.branch)
            #expect(read.direction == event.direction && read.emission == event.emission)
            #expect(read.arrival == event.arrival && read.position == event.position && read.subject == event.subject)
            #expect(read.detail == event.detail && read.processor == event.processor && read.outcome == event.outcome)
            #expect(read.frame?.id == event.frame?.id && read.frame?.header.name == event.frame?.header.name)
            #expect(read.frame?.type.isInterruptible == event.frame?.type.isInterruptible)
            #expect(read.frame?.type.frameClass == event.frame?.type.frameClass)
            if let frame = event.frame { #expect(read.frame?.hasSameContent(as: frame) == true) }
        }
        // Written again it is the same file.
        var writer = SessionLineWriter()
        for line in lines {
            switch line {
            case .head(let head): writer.write(head)
            case .event(let event): writer.write(event)
            case .finding(let finding): writer.write(finding)
            case .end(let end): writer.write(end)
            }
        }
        #expect(writer.bytes == written(events))
    }

    @Test("A frame whose fields are found by reflection has its text and payload once")
    func reflectedFrame() throws {
        let audio = OutputAudioRawFrame(audio: [1, 2, 3, 4], sampleRate: 16_000)
        let lines = try read(
            written([SessionEvent(sequence: 1, time: 0, kind: .bypass, stage: 0, direction: .downstream, frame: audio)])
        )
        guard case .event(let event) = lines[1] else {
            Issue.record("no event")
            return
        }
        #expect(event.frame?.payload?.bytes == [1, 2, 3, 4])
        #expect(event.frame?.fields == ["sample_rate": 16_000, "num_channels": 1])
    }

    @Test(
        "What is wrong is said with its line",
        arguments: problems)
    func problem(text: String, problem: String) {
        #expect {
            let head = Self.headLine
            let file =
                text
                .replacing("HEAD9", with: head.replacing("\"version\": 1", with: "\"version\": 9"))
                .replacing("HEADX", with: head.replacing("0f8f", with: "0F8F"))
                .replacing("HEADT", with: head.replacing("08:00:00Z", with: "8 o'clock"))
                .replacing("HEAD", with: head)
            _ = try read(Array(file.utf8))
        } throws: { error in
            "\(error)".hasPrefix("s.jsonl:") && "\(error)".contains(problem)
        }
    }

    /// HEAD stands for a good first line.
    private static let problems: [(String, String)] = [
        ("", "1: this is no session: the file is empty"),
        ("{\"type\": \"TextFrame\"}", "1:1: this is no exported session"),
        ("[1]", "1:1: this is JSON but no object"),
        ("HEAD9", "1:1: the session is in version 9"),
        ("HEADX", "'uuid' has to be a UUID in lower case"),
        ("HEADT", "'started_at' has to be a moment in UTC such as 2026-01-31T08:00:00.000Z"),
        ("HEAD", "2: the session is cut off: its end is missing"),
        ("HEAD\n{\"seq\": 1, \"at_ns\": 0, \"event\": \"sync\", \"stage\": 1}", "2:50: the session has no stage 1"),
        (
            "HEAD\n{\"seq\": 1, \"at_ns\": 0, \"event\": \"sync\", \"stage\": 0, \"branch\": 1}",
            "2:63: stage 0 has no branch 1"
        ),
        ("HEAD\n{\"end\": \"complete\", \"events\": 0, \"ended_at\": \"now\"}", "'ended_at' has to be a moment in UTC"),
        ("HEAD\nnonsense", "2:1: a value is due here"),
        ("HEAD\n{\"seq\": 2, \"at_ns\": 0, \"event\": \"sync\"}", "2:1: the event of sequence 1 is due here"),
        ("HEAD\n{\"seq\": 1, \"at_ns\": 0, \"event\": \"sink\"}", "2:33: there is no event 'sink'"),
        ("HEAD\n{\"seq\": 1, \"event\": \"sync\"}", "2:1: 'at_ns' is missing"),
        (
            "HEAD\n{\"seq\": 1, \"at_ns\": 0, \"event\": \"sync\", \"brunch\": 1}",
            "2:41: the key 'brunch' is not known here"
        ),
        (
            "HEAD\n{\"seq\": 1, \"at_ns\": 0, \"event\": \"sync\", \"branch\": -7}",
            "2:51: 'branch' has to be an integer from 0"
        ),
        (
            "HEAD\n{\"seq\": 1, \"at_ns\": 0, \"event\": \"release\", \"subject\": 1}",
            "2:55: event 1 is about event 1, which is not before it"
        ),
        (
            "HEAD\n{\"seq\": 1, \"at_ns\": 0, \"event\": \"bypass\", \"frame\": {\"type\": \"TextFrame\", \"id\": 0}}",
            "'id' has to be an integer from 1"
        ),
        (
            "HEAD\n{\"seq\": 1, \"at_ns\": 0, \"event\": \"bypass\", \"frame\": {\"type\": \"Unheard\", \"id\": 1}}",
            "there is no frame type 'Unheard'"
        ),
        ("HEAD\n{\"end\": \"complete\", \"events\": 3}", "2:1: the session had 3 events, and the file has 0"),
        (
            "HEAD\n{\"end\": \"complete\", \"events\": 0}\n{\"end\": \"complete\", \"events\": 0}",
            "3:1: there is a line behind the session's end"
        ),
    ]

    private static let headLine = """
        {"lockstep": "session", "version": 1, "uuid": "0f8fad5b-d9cb-469f-a165-70867728950e", "started_at": "2026-07-02T08:00:00Z", "stages": [{"stage": 0, "name": "S", "branches": [{"branch": 0}]}]}
        """
}
