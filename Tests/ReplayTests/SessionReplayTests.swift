import Foundation
import PipelineEngine
import Recording
import Replay
import SessionHistory
import Synchronization
import Testing

@Suite("Replaying a session of a history")
struct SessionReplayTests {
    /// A history in a folder of its own.
    private final class Folder {
        let path = NSTemporaryDirectory() + "lockstep-replay-\(UUID().uuidString)"
        var history: String { path + "/h.sqlite" }

        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    /// Runs frames through a pipeline into the history; returns the session's number.
    private func record(
        _ pipeline: Pipeline, _ frames: [TimedFrame], seed: UInt64? = nil, into history: History, ending: Bool = true
    ) async throws -> Int64 {
        let definition = try PipelineSession(pipeline).definition
        let recorder = try await SessionRecorder.start(in: history, definition: definition)
        let session = try PipelineSession(pipeline, time: .virtual(seed: seed), observer: recorder)
        try await session.start()
        for frame in frames { session.identity.skip(past: frame.frame.id) }
        try await session.send(timed: ArraySequence(frames))
        if ending { await session.end() } else { await session.cancel() }
        try await recorder.close(state: .complete)
        return recorder.session
    }

    private func texts(_ count: Int, every interval: Int64) -> [TimedFrame] {
        (0..<count).map { TimedFrame(BatchBuilder.text("in \($0)", id: Int64($0) + 1), time: interval * Int64($0)) }
    }

    @Test("Engine, SQL and C4's pure function agree about both orders of any session", arguments: 0..<40)
    func agreement(seed: UInt64) async throws {
        let folder = try Folder()
        let history = try History.open(at: folder.history, for: .writing)
        let random = try RandomSession(seed: seed &+ 10_000)
        let session = try await record(random.pipeline, random.frames, seed: seed, into: history)
        let replay = try SessionReplay(history, session: session)
        for order in RecordedOrder.allCases {
            let report = try await replay.run(order)
            #expect(report.isFaithful, "seed \(seed) \(order)")
            // What SQL computes from the recorded outputs, against what the engine released when it was run again.
            let computed = try history.releases(of: session, order: order).map(Row.init)
            let rerun = try await self.rerun(replay, order)
            #expect(computed == rerun, "seed \(seed) \(order)")
            // And against the pure function, batch by batch.
            if order == .recorded { continue }
            for stage in replay.definition.stages {
                var pages = try history.events(of: session, stage: stage.number)
                var reader = BatchReader { try pages.next() }
                while let batch = try reader.next() {
                    let pure = batch.release(in: order == .arrival ? .arrival : .pipeline).map { Row($0, batch) }
                    #expect(
                        pure == computed.filter { $0.stage == stage.number && $0.batch == batch.batch }, "seed \(seed)")
                }
            }
        }
        #expect(try history.replays(of: session).map(\.frameOrder) == RecordedOrder.allCases)
    }

    /// What every stage of the session releases when it is run again, as the replay does.
    private func rerun(_ replay: SessionReplay, _ order: RecordedOrder) async throws -> [Row] {
        var rows: [Row] = []
        for stage in replay.definition.stages {
            let frameOrder = FrameOrder(rawValue: order.rawValue) ?? stage.frameOrder ?? .arrival
            let pages = Mutex(try replay.history.events(of: replay.session, stage: stage.number))
            let batches = Mutex<[RecordedBatch]>([])
            try await StageRerun(stage: stage, order: frameOrder).run(
                { try pages.withLock { try $0.next() } },
                { batch in if let rerun = batch.rerun { batches.withLock { $0.append(rerun) } } })
            rows += batches.withLock { $0 }.flatMap { batch in batch.recordedRelease.map { Row($0, batch) } }
        }
        return rows
    }

    /// A place in a release, whoever says it.
    private struct Row: Hashable {
        let stage: Int
        let batch: Int64
        let direction: String
        let position: Int
        let branch: Int?
        let frame: Int64

        init(_ row: ReleaseRow) {
            (stage, batch, direction) = (row.stage, row.batch, row.direction)
            (position, branch, frame) = (row.position, row.branch, row.frameID)
        }

        init(_ placed: PlacedFrame, _ recorded: RecordedBatch) {
            (stage, batch, direction) = (recorded.stage, recorded.batch, placed.direction.rawValue)
            (position, branch, frame) = (placed.position, placed.branch < 0 ? nil : placed.branch, placed.frame.id)
        }
    }

    @Test("C12: a session whose stalled batch was released comes back from the history")
    func stalls() async throws {
        let folder = try Folder()
        let history = try History.open(at: folder.history, for: .writing)
        let stuck = ScriptedProcessor { number, _ in number == 1 ? [.wait(25_000), .emit("at last")] : [.pass] }
        let stage = try SyncParallelPipeline([[stuck], []], stallTimeout: 10_000, stallPolicy: .release)
        let session = try await record(Pipeline([stage]), texts(5, every: 12_000), into: history)
        let report = try await SessionReplay(history, session: session).run(.recorded)
        #expect(report.verdict == .same && report.stages[0].batches == 6)
    }

    @Test("The useful runs are the recorded order and the other one; of mixed orders all")
    func usefulOrders() async throws {
        let folder = try Folder()
        let history = try History.open(at: folder.history, for: .writing)
        for (orders, useful) in [
            ([FrameOrder.arrival], [RecordedOrder.recorded, .pipeline]), ([.pipeline], [.recorded, .arrival]),
            ([.arrival, .pipeline], [.recorded, .arrival, .pipeline]),
        ] {
            let stages = try orders.map { try SyncParallelPipeline([[], []], frameOrder: $0) }
            let session = try await record(Pipeline(stages), texts(1, every: 1), into: history)
            #expect(try SessionReplay(history, session: session).usefulOrders == useful)
        }
    }

    @Test("diff counts what SQL counts", arguments: 0..<15)
    func diffAgreesWithSQL(seed: UInt64) async throws {
        let folder = try Folder()
        let history = try History.open(at: folder.history, for: .writing)
        let random = try RandomSession(seed: seed &+ 20_000)
        let session = try await record(random.pipeline, random.frames, into: history)
        let diff = try SessionDiff(history, session: session)
        for stage in diff.stages {
            var differing: Set<Int64> = []
            _ = try diff.compare(stage: stage.number) { item in
                if case .compared(let comparison) = item { differing.insert(comparison.batch) }
                return true
            }
            let arrival = Dictionary(
                grouping: try history.releases(of: session, order: .arrival, stage: stage.number), by: \.batch)
            let pipeline = Dictionary(
                grouping: try history.releases(of: session, order: .pipeline, stage: stage.number), by: \.batch)
            let expected = arrival.keys.filter { arrival[$0]?.map(\.frameID) != pipeline[$0]?.map(\.frameID) }
            #expect(differing == Set(expected), "seed \(seed)")
        }
    }
}
