import Foundation
import PipelineEngine
import Testing

@testable import SessionHistory

/// Every file of samples/queries, run by the `sqlite3` shell as its own page says.
struct SampleQueryTests {
    private static let answers: [String: [String]] = [
        "branch-latency": ["0|0|2|2.5|3.0", "0|1|3|1.0|1.0"],
        "drops-and-errors": ["17|17.0|error|0|2|1|P#1|boom", "18|18.0|drop|0|2|1|TextFrame#25|interrupted"],
        "duplicates-and-winners": ["22|0|2|OutputAudioRawFrame#22|0|1|0"],
        "findings-by-kind": ["stall|error|1|1|1", "late-output|warning|1|1|1"],
        "held-time-percentiles": ["0|1|6.0|6.0|6.0|6.0"],
        "image-before-audio": ["0|2|0|1"],
        "life-of-a-frame": ["2|2.0|inbound|0|1|||TextFrame#10|one"],
        "open-at-the-end": ["0|3|TextFrame|30|23.0|b0|1"],
        "order-would-change": [
            "0|1|downstream|2|0|TextFrame#12 TextFrame#11|TextFrame#11 TextFrame#12",
            "0|2|downstream|2|0|OutputAudioRawFrame#22 OutputImageRawFrame#21|OutputImageRawFrame#21 OutputAudioRawFrame#22",
        ],
        "overtaken-batches": ["14|14.0|TextFrame#23|0|2|5.0", "27|27.0|TextFrame#33|0|3|4.0"],
        "replay-against-recording": [
            "0|1|downstream|0|TextFrame#12|TextFrame#11", "0|1|downstream|1|TextFrame#11|",
            "0|2|downstream|0|OutputAudioRawFrame#22|", "0|2|downstream|1|OutputImageRawFrame#21|",
        ],
        "slowest-batches": ["0|2|TextFrame|13.0|1|interrupted", "0|1|TextFrame|6.0|0|released"],
        "straggler-by-branch": ["0|0|b0|3|2|2.0|2.0", "0|1|b1|3|1|3.0|3.0"],
        "throughput-per-second": ["0|3|4|3"],
        "who-said-it": ["1|talk|2|2.0|one", "1|talk|9|9.0|two", "1|talk|23|23.0|three"],
    ]

    private static var files: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: repository + "/samples/queries")
                .filter { $0.hasSuffix(".sql") }.map { String($0.dropLast(4)) }.sorted()
        }
    }

    private func record(_ history: History) async throws {
        var script = SessionScript()
        script.add(.bypass, direction: .downstream, frame: SessionScript.text("start", id: 1))
        script.batch(1, text: "one", arrivals: [1, 0])
        var image = OutputImageRawFrame(image: [1, 2, 3], width: 4, height: 5, format: "RGB")
        image.header = FrameHeader(id: 21)
        var audio = OutputAudioRawFrame(audio: [1, 2, 3, 4], sampleRate: 16_000)
        audio.header = FrameHeader(id: 22)
        script.add(.inbound, batch: 2, direction: .downstream, frame: SessionScript.text("two", id: 20))
        let first = script.add(
            .output, batch: 2, branch: 1, direction: .downstream, emission: 0, arrival: 0, frame: audio)
        let second = script.add(
            .output, batch: 2, branch: 0, direction: .downstream, emission: 0, arrival: 1, frame: image)
        let third = script.add(
            .output, batch: 2, branch: 0, direction: .downstream, emission: 1, arrival: 2, frame: audio)
        script.add(.sync, batch: 2, branch: 0)
        script.add(.bypass, direction: .downstream, frame: SessionScript.text("through", id: 23))
        let fifth = script.add(
            .late, batch: 2, branch: 1, direction: .downstream, emission: 1, arrival: 3,
            frame: SessionScript.text("x", id: 25))
        script.add(.sync, batch: 2, branch: 1)
        script.add(.error, batch: 2, branch: 1, detail: "boom", processor: "P#1")
        script.add(.drop, batch: 2, branch: 1, direction: .downstream, subject: fifth, detail: "interrupted")
        script.add(.release, batch: 2, branch: 1, direction: .downstream, position: 0, subject: first)
        script.add(.release, batch: 2, branch: 0, direction: .downstream, position: 1, subject: second)
        script.add(.anomaly)
        script.add(
            .duplicate, batch: 2, branch: 0, direction: .downstream, position: 0, subject: third, outcome: .interrupted)
        script.add(.inbound, batch: 3, direction: .downstream, frame: SessionScript.text("three", id: 30))
        script.add(
            .output, batch: 3, branch: 1, direction: .downstream, emission: 0, arrival: 0,
            frame: SessionScript.text("three 1", id: 31))
        script.add(.sync, batch: 3, branch: 1)
        script.add(.stall, batch: 3, branch: 0, detail: "P#0 holds the frame", processor: "P#0")
        script.add(.bypass, direction: .upstream, frame: SessionScript.text("back", id: 33))
        let log = try await history.record(script.events, name: "talk", state: .interrupted)
        let replay = try history.beginReplay(of: log.session, order: .recorded)
        try replay.append([
            ReleaseRow(
                stage: 0, batch: 1, direction: "downstream", position: 0, branch: 0, frameID: 11,
                frameName: "TextFrame#11", frameType: "TextFrame")
        ])
        try replay.finish(verdict: "different", differingBatches: 2)
    }

    @Test func everyQueryGivesItsAnswer() async throws {
        let folder = try TemporaryFolder()
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        try await record(history)
        #expect(try Self.files == Self.answers.keys.sorted())
        for name in try Self.files {
            let sql = try String(contentsOfFile: repository + "/samples/queries/\(name).sql", encoding: .utf8)
            #expect(sql.hasPrefix("-- "), "\(name) says what it answers")
            var expected = Self.answers[name] ?? []
            if name == "findings-by-kind" { expected.append("anomaly|warning|1|1|1") }
            let found = try SQLiteShell.lines(sql, on: history.path)
            #expect(found.sorted() == expected.sorted(), "\(name)")
        }
    }

    @Test func parametersChooseSessionAndFrame() async throws {
        let folder = try TemporaryFolder()
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        try await record(history)
        try await history.record([], name: "empty")
        func run(_ name: String, _ parameters: [String]) throws -> String {
            let sql = try String(contentsOfFile: repository + "/samples/queries/\(name).sql", encoding: .utf8)
            return try SQLiteShell.run(
                sql, on: history.path, options: ["-readonly"] + parameters.flatMap { ["-cmd", ".parameter set \($0)"] })
        }
        #expect(try run("throughput-per-second", []) == "")
        #expect(try run("throughput-per-second", [":session 1"]) == "0|3|4|3\n")
        #expect(
            try run("life-of-a-frame", [":session 1", ":frame 31"]) == "24|24.0|output|0|3|1||TextFrame#31|three 1\n")
        #expect(try run("who-said-it", [":words \"'%re%'\""]) == "1|talk|23|23.0|three\n")
    }
}
