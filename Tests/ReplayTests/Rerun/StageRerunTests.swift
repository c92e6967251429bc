import PipelineEngine
import Replay
import Testing

@Suite("Rerunning a recorded stage through the engine")
struct StageRerunTests {
    private func texts(_ count: Int, every interval: Int64 = 0) -> [TimedFrame] {
        (0..<count).map {
            TimedFrame(BatchBuilder.text("in \($0)", id: Int64($0) + 1), time: interval * Int64($0))
        }
    }

    /// Reruns every stage in its own order, and expects the recorded releases frame for frame.
    private func expectReproduced(
        _ recording: MemoryRecording, _ definition: SessionDefinition, stallRule: StallRule = .never,
        _ comment: Comment? = nil
    ) async throws {
        for stage in definition.stages {
            let batches = try await rerun(recording, stage, order: stage.frameOrder ?? .arrival, stallRule: stallRule)
            for batch in batches where batch.recorded.outcome != nil {
                #expect(batch.rerun?.releaseNotes == batch.recorded.releaseNotes, comment)
                // Interrupted before it had put anything out, in the branch or by an outer stage: no event shows when, and
                // nothing in the release depends on it.
                let begun = batch.recorded.inbound?.sequence ?? 0
                let showsWhen = batch.recorded.incidents.contains {
                    $0.kind == .drop && $0.subject != 0 && $0.sequence > begun
                }
                if batch.recorded.outcome != .interrupted || showsWhen {
                    #expect(batch.rerun?.outcome == batch.recorded.outcome, comment)
                }
                #expect(batch.rerun?.batch == batch.recorded.batch, comment)
            }
            var assembler = BatchAssembler()
            let ended = recording.events(of: stage.number).reduce(0) { $0 + assembler.add($1).count }
            #expect(batches.count { $0.recorded.outcome != nil } == ended, comment)
        }
    }

    @Test("Frames that arrive at one moment come back in the order in which they did", arguments: FrameOrder.allCases)
    func simultaneousArrivals(order: FrameOrder) async throws {
        let one = ScriptedProcessor { _, _ in [.emit("a"), .wait(1), .emit("c"), .emit("e")] }
        let two = ScriptedProcessor { _, _ in [.emit("b"), .wait(1), .emit("d"), .pass] }
        let (recording, definition) = try await record(
            Pipeline([SyncParallelPipeline([[one], [two]], frameOrder: order)]), texts(5))
        try await expectReproduced(recording, definition)
    }

    @Test("The other order is what C4 gives for the recorded outputs", arguments: FrameOrder.allCases)
    func otherOrder(order: FrameOrder) async throws {
        let slow = ScriptedProcessor { number, _ in [.wait(3_000), .emit("image \(number)"), .pass] }
        let fast = ScriptedProcessor { number, _ in
            [.emit("audio \(number)"), .pass, .emit("more \(number)", .upstream)]
        }
        let (recording, definition) = try await record(
            Pipeline([SyncParallelPipeline([[slow], [fast]], frameOrder: order)]), texts(5, every: 1_000))
        let other: FrameOrder = order == .arrival ? .pipeline : .arrival
        let batches = try await rerun(recording, definition.stages[0], order: other)
        #expect(batches.count == 6)
        for batch in batches {
            let expected = batch.recorded.release(in: other).map { "\($0.frame.id)@\($0.branch)" }
            #expect(batch.rerun?.recordedRelease.map { "\($0.frame.id)@\($0.branch)" } == expected)
        }
        #expect(batches.contains { $0.rerun?.releaseNotes != $0.recorded.releaseNotes })
    }

    @Test("C10: interruptions come back, from outside and from a branch")
    func interruptions() async throws {
        let slow = ScriptedProcessor { number, _ in
            [.emit("early \(number)"), .emitStop, .wait(5_000), .emit("late \(number)"), .pass]
        }
        let other = ScriptedProcessor { number, _ in
            number == 3 ? [.emit("x"), .wait(10), .interrupt, .wait(10), .emit("y")] : [.wait(1_000), .emit("z")]
        }
        var frames = texts(6, every: 10_000)
        frames.insert(TimedFrame(InterruptionFrame(), time: 12_000), at: 2)
        let (recording, definition) = try await record(Pipeline([SyncParallelPipeline([[slow], [other]])]), frames)
        #expect(recording.events.contains { $0.outcome == .interrupted })
        try await expectReproduced(recording, definition)
    }

    @Test("C9: an EndFrame that every branch swallowed comes out again")
    func swallowedEnd() async throws {
        let greedy = ScriptedProcessor(swallowsEnd: true) { number, _ in [.emit("t\(number)")] }
        let (recording, definition) = try await record(Pipeline([SyncParallelPipeline([[greedy]])]), texts(2))
        #expect(recording.events.contains { $0.kind == .release && $0.branch == -1 })
        try await expectReproduced(recording, definition)
    }

    @Test("C13: what a branch puts out after its SyncFrame is late again")
    func lateOutputs() async throws {
        let lazy = ScriptedProcessor(
            onSystem: { number, _ in [.wait(1_500), .emit("late \(number)"), .pass] }, { _, _ in [.pass] })
        let other = ScriptedProcessor { _, _ in [.wait(400), .pass] }
        var frames = texts(6, every: 1_000)
        for time in [700, 2_300, 2_600] as [Int64] {
            let mute = GenericFrame(FrameType.known("UserMuteStartedFrame") ?? .systemFrame)
            frames.append(TimedFrame(mute, time: time))
        }
        frames.sort { $0.time ?? 0 < $1.time ?? 0 }
        let (recording, definition) = try await record(
            Pipeline([SyncParallelPipeline([[lazy], [other]], frameOrder: .pipeline)]), frames)
        #expect(recording.events.contains { $0.kind == .late })
        try await expectReproduced(recording, definition)
    }

    @Test("C11: errors come back, with the frames around them")
    func errors() async throws {
        let failing = ScriptedProcessor { number, _ in number % 2 == 0 ? [.emit("before"), .fail] : [.pass] }
        let (recording, definition) = try await record(
            Pipeline([SyncParallelPipeline([[failing], []])]), texts(4))
        try await expectReproduced(recording, definition)
    }

    @Test("C12: a stalled batch is released as it was, and what came later is late")
    func stalls() async throws {
        let stuck = ScriptedProcessor { number, _ in number == 1 ? [.wait(25_000), .emit("at last")] : [.pass] }
        let stage = try SyncParallelPipeline([[stuck], []], stallTimeout: 10_000, stallPolicy: .release)
        let (recording, definition) = try await record(Pipeline([stage]), texts(5, every: 12_000))
        var assembler = BatchAssembler()
        let rules = recording.events(of: 0).flatMap { assembler.add($0) }.compactMap(StallRule.init(shownBy:))
        #expect(rules.first == StallRule(timeout: 10_000, policy: .release))
        try await expectReproduced(recording, definition, stallRule: try #require(rules.first))
    }

    @Test("C12: a stall that failed the session fails it again")
    func fatalStall() async throws {
        let stuck = ScriptedProcessor { number, _ in number == 1 ? [.emit("x"), .wait(25_000)] : [.pass] }
        let stage = try SyncParallelPipeline([[stuck], []], stallTimeout: 10_000, stallPolicy: .fail)
        let (recording, definition) = try await record(Pipeline([stage]), texts(3, every: 12_000), ending: false)
        #expect(recording.events.contains { $0.outcome == .failed })
        try await expectReproduced(recording, definition, stallRule: StallRule(timeout: 10_000, policy: .fail))
    }

    @Test("C15: the stages of a nested pipeline come back each for itself, interruptions included", arguments: 0..<8)
    func nested(seed: UInt64) async throws {
        let inner = try SyncParallelPipeline([
            [ScriptedProcessor { number, _ in [.emit("i\(number)"), .wait(700), .pass] }],
            [ScriptedProcessor { _, _ in [.wait(300), .emit("j")] }],
        ])
        let outer = try SyncParallelPipeline(
            [[inner], [ScriptedProcessor { _, _ in [.wait(500), .emit("o")] }]], frameOrder: .pipeline)
        var frames = texts(6, every: 1_000)
        frames.insert(TimedFrame(InterruptionFrame(), time: 2_000 + Int64(seed) * 100), at: 3)
        let (recording, definition) = try await record(Pipeline([outer]), frames, seed: seed)
        #expect(definition.stages.count == 2)
        try await expectReproduced(recording, definition)
    }

    @Test("A batch that never ended stays open in the rerun, which ends")
    func openBatch() async throws {
        let stuck = ScriptedProcessor { number, _ in number == 2 ? [.emit("x"), .wait(1 << 50)] : [.pass] }
        let recording = MemoryRecording()
        let session = try PipelineSession(
            Pipeline([SyncParallelPipeline([[stuck], []])]), time: .virtual(), observer: recording)
        try await session.start()
        try await session.send(timed: ArraySequence(texts(3, every: 1_000)))
        let events = recording.events(of: 0)
        await session.cancel()
        #expect(events.last?.outcome == nil)
        let cut = MemoryRecording()
        for event in events { cut.observe(event) }
        let batches = try await rerun(cut, session.definition.stages[0], order: .arrival)
        #expect(batches.map(\.recorded.outcome) == [.released, .released, nil])
        #expect(batches.last?.rerun == nil)
    }

    @Test("A recording that begins in a batch: what has no beginning is left out, the rest comes back")
    func headless() async throws {
        let one = ScriptedProcessor { _, _ in [.emit("a"), .wait(5), .emit("b")] }
        let (recording, definition) = try await record(
            Pipeline([SyncParallelPipeline([[one], []])]), texts(4, every: 100))
        let first = try #require(recording.events(of: 0).firstIndex { $0.kind == .output && $0.batch == 2 })
        let cut = MemoryRecording()
        for event in recording.events(of: 0)[first...] { cut.observe(event) }
        let batches = try await rerun(cut, definition.stages[0], order: .arrival)
        #expect(batches.map(\.recorded.batch) == [2, 3, 4, 5])
        #expect(batches[0].rerun == nil && batches[0].recorded.inbound == nil)
        for batch in batches.dropFirst() { #expect(batch.rerun?.releaseNotes == batch.recorded.releaseNotes) }
    }

    @Test("Any session comes back frame for frame", arguments: 0..<150)
    func random(seed: UInt64) async throws {
        let session = try RandomSession(seed: seed)
        let (recording, definition) = try await record(
            session.pipeline, session.frames, seed: seed % 2 == 0 ? nil : seed)
        try await expectReproduced(recording, definition, "seed \(seed)")
    }
}
