import PipelineEngine
import Testing

@testable import WhiskerBridge

/// What the recordings of real bots do not show.
@Suite struct InterpretationTests {
    @Test func aWorkerThatJoinsAddsItsStagesAtTheEnd() throws {
        var script = Script()
        script.comesIn("TextFrame#0", sync: 0)
        script.workerJoins("other", stage: "Late")
        script.workerJoins("other", stage: "Late")
        script.process("Late", "TextFrame#5", worker: "other")
        let session = try script.session()
        #expect(session.definition.stages.map(\.name) == ["Stage", "Late"])
        #expect(session.lines == ["inbound s0 b1 TextFrame#0", "inbound s1 b1 TextFrame#5"])
    }

    @Test func aTypeOfTheBotsOwnShowsItsClassByWhatTheStageDoes() throws {
        var script = Script()
        // Goes into both branches without a SyncFrame between: a system frame.
        script.process("Stage", "Mine#0")
        script.process("Source0", "Mine#0")
        script.process("Source1", "Mine#0")
        script.push("Stage", "Mine#0")
        // Is followed by a SyncFrame: synchronized.
        script.comesIn("Yours#0", sync: 0)
        script.process("Sink0", "Mine#0")
        let session = try script.session()
        #expect(
            session.lines == ["bypass s0 b0 Mine#0", "inbound s0 b1 Yours#0", "output s0 b1 branch 0 Mine#0 e0 a0"])
        #expect(session.events[0].frame?.type.frameClass == .system)
        #expect(session.events[1].frame?.type.frameClass == .data)
    }

    @Test func aSystemFrameThatAFixedPipecatSwallowsIsNoFinding() throws {
        var script = Script()
        script.process("Stage", "UserStartedSpeakingFrame#0")
        for branch in 0...1 { script.process("Source\(branch)", "UserStartedSpeakingFrame#0") }
        script.push("Stage", "UserStartedSpeakingFrame#0")
        for branch in 0...1 { script.process("Sink\(branch)", "UserStartedSpeakingFrame#0") }
        script.pass(milliseconds: 60_000)
        script.process("Elsewhere", "TextFrame#9")
        let session = try script.session()
        #expect(session.lines == ["bypass s0 b0 UserStartedSpeakingFrame#0"])
        #expect(session.defects.isEmpty)
    }

    @Test func aBranchThatIsSlowIsNotMissing() throws {
        var script = Script()
        script.comesIn("TextFrame#0", sync: 0)
        for branch in 0...1 { script.push("Source\(branch)", "SyncFrame#\(branch)") }
        script.pass(milliseconds: 1_500)
        script.process("Elsewhere", "TextFrame#9")
        #expect(try script.session().defects.map(\.kind) == [.recordingIncomplete])
        script.pass(milliseconds: 1_000)
        script.process("Elsewhere", "TextFrame#9")
        let session = try script.session()
        #expect(session.defects.map(\.kind) == [.syncMissing, .syncMissing])
        #expect(session.defects.map(\.branch) == [0, 1])
        #expect(session.defects[0].detail.contains("A was the last to have it and has left it in its queue"))
    }

    @Test func aBranchMayTakeFourTimesAsLongAsAnyDidBefore() throws {
        var script = Script()
        script.comesIn("TextFrame#0", sync: 0)
        script.pass(milliseconds: 5_000)
        for branch in 0...1 { script.process("Sink\(branch)", "SyncFrame#\(branch)") }
        script.comesIn("TextFrame#1", sync: 2)
        for branch in 0...1 { script.push("Source\(branch)", "SyncFrame#\(branch + 2)") }
        script.pass(milliseconds: 19_000)
        script.process("Elsewhere", "TextFrame#9")
        #expect(try script.session().defects.map(\.kind) == [.recordingIncomplete])
        script.pass(milliseconds: 2_000)
        script.process("Elsewhere", "TextFrame#9")
        #expect(try script.session().defects.map(\.kind) == [.syncMissing, .syncMissing])
    }

    @Test func whatCancelsEndsTheBatchAsCancelled() throws {
        var script = Script()
        script.comesIn("TextFrame#0", sync: 0)
        script.process("Sink0", "LLMTextFrame#0")
        script.process("Stage", "CancelFrame#0")
        script.push("Stage", "CancelFrame#0")
        #expect(
            try script.session().lines == [
                "inbound s0 b1 TextFrame#0", "output s0 b1 branch 0 LLMTextFrame#0 e0 a0",
                "drop s0 b1 branch 0 LLMTextFrame#0 -> cancelled", "bypass s0 b0 CancelFrame#0",
            ])
    }

    @Test func anUninterruptibleFrameIsNotInterrupted() throws {
        var script = Script()
        script.comesIn("VolumeFrame#0", sync: 0)
        script.process("Stage", "InterruptionFrame#0")
        script.push("Stage", "InterruptionFrame#0")
        for branch in 0...1 { script.process("Sink\(branch)", "SyncFrame#\(branch)") }
        #expect(try script.session().lines.last == "close s0 b1 -> released")
    }

    @Test func aBatchWithoutOutputsClosesAtItsLastSync() throws {
        var script = Script()
        script.comesIn("TextFrame#0", sync: 0)
        for branch in 0...1 { script.process("Sink\(branch)", "SyncFrame#\(branch)") }
        #expect(
            try script.session().lines == [
                "inbound s0 b1 TextFrame#0", "sync s0 b1 branch 0", "sync s0 b1 branch 1", "close s0 b1 -> released",
            ])
    }

    @Test func moreThanCanBeFollowedIsGivenUpAndSaid() throws {
        var limits = WhiskerLimits()
        limits.heldFrames = 10
        var script = Script()
        script.comesIn("TextFrame#0", sync: 0)
        for index in 0..<15 { script.process("Sink0", "LLMTextFrame#\(index)") }
        for branch in 0...1 { script.process("Sink\(branch)", "SyncFrame#\(branch)") }
        script.comesIn("TextFrame#1", sync: 2)
        for branch in 0...1 { script.process("Sink\(branch)", "SyncFrame#\(branch + 2)") }
        let session = try script.session(limits: limits)
        #expect(session.defects.map(\.kind) == [.recordingIncomplete, .recordingIncomplete])
        #expect(session.defects[0].detail.contains("can be followed"))
        #expect(session.summary?.batchesWithoutHead == 1, "what is left of the batch is one without its head")
        let last = [
            "inbound s0 b3 TextFrame#1", "sync s0 b3 branch 0", "sync s0 b3 branch 1", "close s0 b3 -> released",
        ]
        #expect(session.lines.suffix(4) == last[...], "from the next batch on all is well")
        // The same for what waits without a batch.
        var idle = Script()
        idle.process("Stage", "StartFrame#0")
        idle.push("Stage", "StartFrame#0")
        for index in 0..<20 { idle.process("Sink0", "MetricsFrame#\(index)") }
        #expect(try idle.session(limits: limits).defects.contains { $0.detail.contains("can be followed") })
    }

    @Test func aMissingRecordForgetsWhatIsOpen() throws {
        var script = Script()
        script.comesIn("TextFrame#0", sync: 0)
        script.process("Sink0", "SyncFrame#0")
        script.skip(5)
        script.process("Sink1", "LLMTextFrame#0")
        script.process("Sink1", "SyncFrame#1")
        let session = try script.session()
        #expect(session.summary?.missingRecords == 5)
        #expect(session.summary?.batchesWithoutHead == 1)
        #expect(session.defects.contains { $0.detail.hasPrefix("5 of Whisker's records behind number 6") })
    }

    @Test func timesThatCanBeNoneAreNoTrap() throws {
        var script = Script()
        script.pass(milliseconds: -10_000_000)
        script.process("Stage", "TextFrame#0")
        script.pass(milliseconds: 1e30)
        script.process("Stage", "TextFrame#1")
        #expect(try script.session().events.allSatisfy { $0.time >= 0 })
    }

    // MARK: - The parts

    @Test func numbersOfSeveralWorkersMayOvertakeOneAnother() {
        var numbers = RecordNumbers()
        for (number, worker) in [(7, "a"), (8, "b"), (10, "a"), (9, "b"), (11, "a")] as [(Int64, String)] {
            #expect(numbers.take(number, from: worker) == nil)
        }
        #expect(numbers.take(13, from: "a") == nil)
        var gaps: [RecordNumbers.Gap] = []
        for number in Int64(14)...90 { gaps += [numbers.take(number, from: "a")].compactMap { $0 } }
        #expect(gaps == [RecordNumbers.Gap(after: 11, count: 1)], "12 never came")
        #expect(numbers.missed == 1)
    }

    @Test func aNumberThatOneWorkerSkipsIsMissingAtOnce() {
        var numbers = RecordNumbers()
        #expect(numbers.take(500, from: "a") == nil, "the head may be missing")
        #expect(numbers.take(504, from: "a") == RecordNumbers.Gap(after: 500, count: 3))
        #expect(numbers.take(502, from: "a") == nil)
        #expect(numbers.take(0, from: "a") == nil, "a record without a number")
        #expect(numbers.take(505, from: "a") == nil)
    }

    private func batch(_ released: [Int], taken: [Int], arrived: [Int]? = nil, byBranch: [Int]) -> ReleasedBatch {
        ReleasedBatch(released: released, taken: taken, arrived: arrived ?? taken, byBranch: byBranch)
    }

    @Test func theOrderIsThatOfTheBatchesThatTellTheTwoApart() {
        var order = OrderInference(given: nil)
        _ = order.count(batch([0, 1], taken: [0, 1], byBranch: [0, 1]))
        #expect(order.order == nil, "both orders release it so")
        _ = order.count(batch([0, 1], taken: [0, 1], byBranch: [1, 0]))
        #expect(order.order == .arrival)
        _ = order.count(batch([1, 0], taken: [0, 1], byBranch: [1, 0]))
        #expect(order.order == nil, "two batches contradict each other")
        var pipeline = OrderInference(given: nil)
        _ = pipeline.count(batch([1, 0, 2], taken: [0, 1, 2], byBranch: [1, 0, 2]))
        #expect(pipeline.order == .pipeline)
        _ = pipeline.count(batch([2, 1, 0], taken: [0, 1, 2], byBranch: [1, 0, 2]))
        #expect(pipeline.order == .pipeline, "a batch in neither order says nothing")
        var given = OrderInference(given: .arrival)
        _ = given.count(batch([1, 0], taken: [0, 1], byBranch: [1, 0]))
        #expect(given.order == .arrival)
    }

    /// The first branch has the frame too, only later: pipeline order releases it first as well.
    @Test func aFrameOfSeveralBranchesSaysNothingByWhichOfThemCameFirst() throws {
        var script = Script()
        for batch in 0..<2 {
            script.comesIn("TextFrame#\(batch)", sync: 2 * batch)
            script.process("Sink1", "TextFrame#\(batch)")
            script.process("Sink1", "LLMTextFrame#\(batch)")
            script.process("Sink0", "TextFrame#\(batch)")
            for branch in 0...1 { script.process("Sink\(branch)", "SyncFrame#\(2 * batch + branch)") }
            script.push("Stage", "TextFrame#\(batch)")
            script.push("Stage", "LLMTextFrame#\(batch)")
        }
        let session = try script.session()
        #expect(session.definition.stages[0].frameOrder == nil)
        #expect(session.summary?.batches == 2)
    }

    @Test func theOrderOfArrivalIsBrokenWhereHeldFramesLeaveByBranch() {
        var order = OrderInference(given: nil)
        let first = order.count(batch([1, 0], taken: [1, 0], arrived: [0, 1], byBranch: [0, 1]))
        #expect(first == ReleasedBatch.Break(frame: 1, expected: 0))
        #expect(order.count(batch([0, 1], taken: [0, 1], byBranch: [1, 0])) == nil)
    }

    @Test func namesGetIDsThatStay() throws {
        var builder = FrameBuilder()
        func record(_ name: String) -> FrameRecord {
            FrameRecord(
                number: 1, worker: "w", name: name, processor: "p", action: .push, direction: .downstream, timestamp: 1,
                payload: .null, size: 0)
        }
        #expect(builder.frame(record("TextFrame#0")).id == 1)
        #expect(builder.frame(record("TextFrame#1")).id == 2)
        #expect(builder.frame(record("TextFrame#0")).id == 1)
        for index in 0..<70_000 { _ = builder.frame(record("LLMTextFrame#\(index)")) }
        #expect(builder.frame(record("TextFrame#0")).id == 1, "of the generation before")
        #expect(builder.frame(record("#")).type.name == "Frame")
        #expect(builder.frame(record("")).id > 0)
    }
}
