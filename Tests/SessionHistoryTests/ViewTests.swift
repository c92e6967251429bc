import Foundation
import PipelineEngine
import Testing

@testable import SessionHistory

/// The documented views, as the real `sqlite3` shell shows them.
struct ViewTests {
    private let folder: TemporaryFolder
    private let history: History

    init() throws {
        folder = try TemporaryFolder()
        history = try History.open(at: folder.file("h.sqlite"), for: .writing)
    }

    private func lines(_ sql: String) throws -> [String] { try SQLiteShell.lines(sql, on: history.path) }

    /// A stage of two branches: a plain batch, one with a duplicate, late and dropped outputs, one that is open.
    private func recordEverything() async throws -> SessionLog {
        var script = SessionScript()
        var start = StartFrame()
        start.header = FrameHeader(id: 1)
        script.add(.bypass, direction: .downstream, frame: start)
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
        let fourth = script.add(
            .late, batch: 2, branch: 0, direction: .upstream, emission: 2, arrival: 3,
            frame: SessionScript.text("late", id: 23))
        let fifth = script.add(
            .output, batch: 2, branch: 1, direction: .downstream, emission: 1, arrival: 4,
            frame: SessionScript.text("dropped", id: 24))
        script.add(.sync, batch: 2, branch: 1)
        script.add(.error, batch: 2, branch: 1, detail: "boom", processor: "P#1")
        script.add(.drop, batch: 2, branch: 1, direction: .downstream, subject: fifth, detail: "interrupted")
        script.add(.release, batch: 2, branch: 0, direction: .upstream, position: 0, subject: fourth)
        script.add(.release, batch: 2, branch: 1, direction: .downstream, position: 0, subject: first)
        script.add(.release, batch: 2, branch: 0, direction: .downstream, position: 1, subject: second)
        script.add(
            .duplicate, batch: 2, branch: 0, direction: .downstream, position: 0, subject: third, outcome: .interrupted)

        script.add(.inbound, batch: 3, direction: .downstream, frame: SessionScript.text("three", id: 30))
        script.add(
            .output, batch: 3, branch: 1, direction: .downstream, emission: 0, arrival: 0,
            frame: SessionScript.text("three 1", id: 31))
        script.add(.sync, batch: 3, branch: 1)
        script.add(.stall, batch: 3, branch: 0, detail: "P#0 holds the frame", processor: "P#0")
        script.add(.anomaly, batch: 3, branch: 1, detail: "id collision: they differ")
        return try await history.record(script.events, name: "all", startedAt: "2024-05-06T07:08:09.010Z", state: nil)
    }

    @Test func sessionsStagesAndBranches() async throws {
        let log = try await history.record(
            [], name: "empty", uuid: "0f8fad5b-d9cb-469f-a165-70867728950e", startedAt: "2024-05-06T07:08:09.010Z")
        #expect(
            try lines("SELECT * FROM sessions").map { $0.split(separator: "|", omittingEmptySubsequences: false) }.map {
                ($0.prefix(6) + $0.dropFirst(7)).joined(separator: "|")
            } == [
                "1|0f8fad5b-d9cb-469f-a165-70867728950e|empty|test|complete|2024-05-06T07:08:09.010Z|0.0|1|0|0|0|0|0|0|full"
            ])
        #expect(log.session == 1)
        #expect(
            try lines("SELECT session, stage, name, frame_order, branches FROM stages") == [
                "1|0|SyncParallelPipeline#0|arrival|2"
            ])
        #expect(try lines("SELECT * FROM branches") == [#"1|0|0|b0|["P#0"]"#, #"1|0|1|b1|["P#1"]"#])
    }

    @Test func timeline() async throws {
        _ = try await recordEverything()
        let columns =
            "seq, at_ms, event, stage, batch, branch, position, direction, frame_id, frame_name, frame_type, frame_class, text"
        #expect(
            try lines("SELECT \(columns) FROM timeline WHERE session = 1 AND seq IN (1, 2, 3, 4, 7) ORDER BY seq") == [
                "1|1.0|bypass|0||||downstream|1|StartFrame#1|StartFrame|system|",
                "2|2.0|inbound|0|1|||downstream|10|TextFrame#10|TextFrame|data|one",
                "3|3.0|output|0|1|1||downstream|12|TextFrame#12|TextFrame|data|one 1",
                "4|4.0|sync|0|1|1|||||||",
                "7|7.0|release|0|1|1|0|downstream|12|TextFrame#12|TextFrame|data|one 1",
            ])
        #expect(
            try lines(
                "SELECT \(columns) FROM timeline WHERE session = 1 AND seq > 8 AND stage = 0 AND batch = 2 ORDER BY seq"
            ) == [
                "9|9.0|inbound|0|2|||downstream|20|TextFrame#20|TextFrame|data|two",
                "10|10.0|output|0|2|1||downstream|22|OutputAudioRawFrame#22|OutputAudioRawFrame|data|audio 4 bytes 16000 Hz",
                "11|11.0|output|0|2|0||downstream|21|OutputImageRawFrame#21|OutputImageRawFrame|data|image 3 bytes 4x5",
                "12|12.0|output|0|2|0||downstream|22|OutputAudioRawFrame#22|OutputAudioRawFrame|data|audio 4 bytes 16000 Hz",
                "13|13.0|sync|0|2|0|||||||",
                "14|14.0|late|0|2|0||upstream|23|TextFrame#23|TextFrame|data|late",
                "15|15.0|output|0|2|1||downstream|24|TextFrame#24|TextFrame|data|dropped",
                "16|16.0|sync|0|2|1|||||||",
                "17|17.0|error|0|2|1|||||||boom",
                "18|18.0|drop|0|2|1||downstream|24|TextFrame#24|TextFrame|data|dropped",
                "19|19.0|release|0|2|0|0|upstream|23|TextFrame#23|TextFrame|data|late",
                "20|20.0|release|0|2|1|0|downstream|22|OutputAudioRawFrame#22|OutputAudioRawFrame|data|audio 4 bytes 16000 Hz",
                "21|21.0|release|0|2|0|1|downstream|21|OutputImageRawFrame#21|OutputImageRawFrame|data|image 3 bytes 4x5",
                "22|22.0|duplicate|0|2|0|0|downstream|22|OutputAudioRawFrame#22|OutputAudioRawFrame|data|audio 4 bytes 16000 Hz",
            ])
        #expect(
            try lines("SELECT seq, processor, detail FROM timeline WHERE detail IS NOT NULL AND seq < 20") == [
                "17|P#1|boom", "18||interrupted",
            ])
    }

    @Test func releaseOrderAndItsDifferences() async throws {
        _ = try await recordEverything()
        let columns = "stage, batch, frame_order, direction, position, branch, frame_id, frame_name, frame_type, text"
        let order = "ORDER BY frame_order, batch, direction DESC, position"
        #expect(
            try lines("SELECT \(columns) FROM release_order WHERE session = 1 AND batch = 2 \(order)") == [
                "0|2|arrival|upstream|0|0|23|TextFrame#23|TextFrame|late",
                "0|2|arrival|downstream|0|1|22|OutputAudioRawFrame#22|OutputAudioRawFrame|audio 4 bytes 16000 Hz",
                "0|2|arrival|downstream|1|0|21|OutputImageRawFrame#21|OutputImageRawFrame|image 3 bytes 4x5",
                "0|2|pipeline|upstream|0|0|23|TextFrame#23|TextFrame|late",
                "0|2|pipeline|downstream|0|0|21|OutputImageRawFrame#21|OutputImageRawFrame|image 3 bytes 4x5",
                "0|2|pipeline|downstream|1|0|22|OutputAudioRawFrame#22|OutputAudioRawFrame|audio 4 bytes 16000 Hz",
                "0|2|recorded|upstream|0|0|23|TextFrame#23|TextFrame|late",
                "0|2|recorded|downstream|0|1|22|OutputAudioRawFrame#22|OutputAudioRawFrame|audio 4 bytes 16000 Hz",
                "0|2|recorded|downstream|1|0|21|OutputImageRawFrame#21|OutputImageRawFrame|image 3 bytes 4x5",
            ])
        #expect(
            try lines("SELECT * FROM order_diff WHERE session = 1 ORDER BY batch, position") == [
                "1|0|1|downstream|0|12|TextFrame|1|11|TextFrame|0",
                "1|0|1|downstream|1|11|TextFrame|0|12|TextFrame|1",
                "1|0|2|downstream|0|22|OutputAudioRawFrame|1|21|OutputImageRawFrame|0",
                "1|0|2|downstream|1|21|OutputImageRawFrame|0|22|OutputAudioRawFrame|0",
            ])
        #expect(try history.releases(of: 1, order: .pipeline, batches: 2...2).map(\.frameID) == [23, 21, 22])
        #expect(try history.releases(of: 1, order: .recorded, stage: 0).count == 5)
        #expect(try history.releases(of: 1, order: .recorded, stage: 1).isEmpty)
    }

    @Test func batchesAndBarriers() async throws {
        _ = try await recordEverything()
        #expect(
            try lines("SELECT * FROM batches WHERE session = 1 ORDER BY batch") == [
                "1|0|1|10|TextFrame|downstream|2.0|8.0|6.0|released|2|8",
                "1|0|2|20|TextFrame|downstream|9.0|22.0|13.0|interrupted|9|22",
                "1|0|3|30|TextFrame|downstream|23.0|||open|23|",
            ])
        #expect(
            try lines("SELECT * FROM barriers WHERE session = 1 ORDER BY batch, branch") == [
                "1|0|1|0|1|6.0|0.0|1", "1|0|1|1|1|4.0|2.0|0",
                "1|0|2|0|3|13.0|3.0|0", "1|0|2|1|2|16.0|0.0|1",
                "1|0|3|0|0|||1", "1|0|3|1|1|25.0||0",
            ])
        // The same without SQL.
        var batches: [BatchSummary] = []
        var barriers: [BranchBarrier] = []
        try history.forEachBatch(of: 1) {
            batches.append($0)
            barriers += $1
            return true
        }
        #expect(batches.map(\.outcome) == ["released", "interrupted", "open"])
        #expect(batches.map(\.heldMs) == [6, 13, nil])
        #expect(barriers.map(\.outputs) == [1, 1, 3, 2, 0, 1])
        #expect(barriers.map(\.syncMs) == [6, 4, 13, 16, nil, 25])
        #expect(barriers.map(\.waitedMs) == [0, 2, 3, 0, nil, nil])
        #expect(barriers.map(\.straggler) == [true, false, false, true, true, false])
        #expect(try history.branches(of: 1).map(\.straggled) == [2, 1])
    }

    /// A stage that gave up waiting for a branch (C12): the branch stays the one that was waited for.
    @Test func barrierOfABatchThatEndedWithoutABranch() async throws {
        var script = SessionScript()
        script.add(.inbound, batch: 1, direction: .downstream, frame: SessionScript.text("x", id: 1))
        script.add(.sync, batch: 1, branch: 1)
        script.add(.stall, batch: 1, branch: 0, detail: "slow", processor: "P#0")
        script.add(.close, batch: 1, outcome: .released)
        let log = try await history.record(script.events)
        #expect(try lines("SELECT branch, sync_ms, waited_ms, straggler FROM barriers") == ["0|||1", "1|2.0|2.0|0"])
        #expect(try lines("SELECT released_ms, held_ms, outcome FROM batches") == ["4.0|3.0|released"])
        try history.forEachBatch(of: log.session) { batch, barriers in
            #expect(batch.heldMs == 3 && barriers.map(\.waitedMs) == [nil, 2])
            return true
        }
        // `close` is no event of the timeline.
        let events = try lines("SELECT event FROM timeline")
        #expect(events == ["inbound", "sync", "stall"])
    }

    @Test func findings() async throws {
        let log = try await recordEverything()
        try history.add(
            [Finding(stage: 0, batch: 9, kind: "end-frame-lost", severity: .error, detail: "it never came out")],
            to: log.session)
        #expect(
            try lines("SELECT * FROM findings WHERE session = 1 ORDER BY seq IS NULL, seq") == [
                "1|14|0|2|0|late-output|warning|TextFrame#23 came after its branch had given its SyncFrame back",
                "1|26|0|3|0|stall|error|P#0 holds the frame",
                "1|27|0|3|1|id-collision|warning|id collision: they differ",
                "1||0|9||end-frame-lost|error|it never came out",
            ])
        #expect(
            try history.findings(of: log.session).map(\.kind) == [
                "late-output", "stall", "id-collision", "end-frame-lost",
            ])
        #expect(try history.findings(of: log.session).map(\.severity) == [.warning, .error, .warning, .error])
    }

    @Test func countsOfASessionAreStored() async throws {
        var script = SessionScript()
        for number in 1...10 { script.batch(Int64(number), text: "t") }
        script.add(.late, batch: 11, branch: 0, emission: 0, arrival: 0, frame: SessionScript.text("l", id: 999))
        script.add(.bypass, frame: SessionScript.text("b", id: 998))
        _ = try await history.record(script.events)
        #expect(
            try lines("SELECT inbound, outputs, released, duplicates, bypasses, findings, duration_ms FROM sessions")
                == ["10|21|20|0|1|1|72.0"])
        #expect(
            try lines("EXPLAIN QUERY PLAN SELECT * FROM sessions").contains { $0.contains("event") } == false)
    }

    @Test func replays() async throws {
        let log = try await history.record([])
        let rows = [
            ReleaseRow(
                stage: 0, batch: 1, direction: "downstream", position: 0, branch: 1, frameID: 5,
                frameName: "TextFrame#5",
                frameType: "TextFrame"),
            ReleaseRow(
                stage: 0, batch: 1, direction: "upstream", position: 0, branch: nil, frameID: 6, frameName: "named",
                frameType: "EndFrame"),
        ]
        let first = try history.beginReplay(of: log.session, order: .recorded)
        let second = try history.beginReplay(of: log.session, order: .pipeline)
        try first.append([rows[0]])
        try second.append(rows)
        try first.append([rows[1]])
        try first.finish(verdict: "same", differingBatches: 0)
        #expect(
            try lines("SELECT replay, session, frame_order, verdict, differing_batches FROM replays")
                == ["1|1|recorded|same|0", "2|1|pipeline||"])
        #expect(
            try lines("SELECT * FROM replay_order WHERE replay = 1") == [
                "1|1|0|1|downstream|0|1|5|TextFrame#5|TextFrame", "1|1|0|1|upstream|0||6|named|EndFrame",
            ])
        #expect(try history.replays(of: log.session).map(\.verdict) == ["same", nil])
        #expect(throws: HistoryError.self) { try history.beginReplay(of: 99, order: .recorded) }
    }

    /// Only the session's own ranges of the log are read.
    @Test(arguments: [
        "timeline", "frames", "release_order", "order_diff", "barriers", "batches", "findings", "moment",
    ])
    func viewsSearchBySession(_ view: String) async throws {
        let plan = try lines("EXPLAIN QUERY PLAN SELECT * FROM \(view) WHERE session = 1")
        #expect(plan.contains { $0.contains("SEARCH x USING PRIMARY KEY (session=?)") })
        #expect(!plan.contains { $0.contains("SCAN e") || $0.contains("SCAN x") })
        // What is scanned are results of the view's own parts.
        let parts: Set = ["o", "a", "p", "b", "findings", "arrival_order", "pipeline_order"]
        for line in plan {
            guard let scan = line.range(of: "SCAN ") else { continue }
            let name = String(line[scan.upperBound...].prefix { $0 != " " })
            #expect(parts.contains(name) || name.hasPrefix("(subquery"), "\(line)")
        }
    }
}
