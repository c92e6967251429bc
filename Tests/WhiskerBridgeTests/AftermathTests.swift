import PipelineEngine
import Testing

@testable import WhiskerBridge

/// What a defect leaves behind in the batches after it. Each was found by a random bot.
@Suite struct AftermathTests {
    @Test func anEndFrameThatIsLostSaysNothingAboutTheOrder() throws {
        var script = Script([["A"], ["B"], ["C"]])
        script.process("Stage", "EndFrame#0")
        for branch in 0...2 { script.process("Source\(branch)", "EndFrame#0") }
        script.process("Sink0", "LLMTextFrame#0")
        script.process("Sink1", "LLMTextFrame#1")
        // Only that of the last branch is the first frame of its branch: it alone leaves.
        for branch in [2, 0, 1] { script.process("Sink\(branch)", "EndFrame#0") }
        for frame in ["LLMTextFrame#0", "LLMTextFrame#1", "EndFrame#0"] { script.push("Stage", frame) }
        let session = try script.session()
        #expect(session.left(0) == ["LLMTextFrame#0", "LLMTextFrame#1", "EndFrame#0"])
        #expect(session.definition.stages[0].frameOrder == nil, "either order releases it so")
    }

    /// Two outputs wait when an interruption comes; another batch follows.
    private func interrupted(_ script: inout Script) {
        script.comesIn("TextFrame#0", sync: 0)
        for index in 0...1 { script.process("Sink0", "LLMTextFrame#\(index)") }
        script.process("Stage", "InterruptionFrame#0")
        script.push("Stage", "InterruptionFrame#0")
        script.comesIn("TextFrame#1", sync: 2)
        for branch in 0...1 { script.process("Sink\(branch)", "SyncFrame#\(2 + branch)") }
    }

    @Test func allThatAnInterruptionLeavesBehindIsOfTheBatchThatReleasesIt() throws {
        var script = Script()
        interrupted(&script)
        for index in 0...1 { script.push("Stage", "LLMTextFrame#\(index)") }
        let releases = try script.session().events(0, .release)
        #expect(releases.map(\.batch) == [2, 2])
        #expect(releases.map(\.position) == [0, 1])
    }

    @Test func aBatchHasEndedWhenItsLastBranchGaveBackWhateverShowsThatLater() throws {
        var script = Script()
        interrupted(&script)
        script.pass(milliseconds: 500)
        script.comesIn("TextFrame#2", sync: 4)
        let session = try script.session()
        let closed = try #require(session.events(0, .close).last)
        #expect(closed.outcome == .released && closed.batch == 2)
        #expect(closed.time == session.events(0, .sync).last?.time)
    }

    @Test func aBranchThatIsASyncFrameBehindStaysSoWhateverGoesUpstream() throws {
        var script = Script()
        script.comesIn("TextFrame#0", sync: 0)
        script.process("Sink0", "SyncFrame#9")
        script.process("Sink1", "SyncFrame#1")
        script.process("Stage", "TranscriptionFrame#0", up: true)
        for branch in 0...1 {
            script.process("Sink\(branch)", "TranscriptionFrame#0", up: true)
            script.process("Sink\(branch)", "SyncFrame#\(2 + branch)", up: true)
        }
        for branch in 0...1 { script.process("Source\(branch)", "SyncFrame#\(2 + branch)", up: true) }
        script.process("Sink0", "LLMTextFrame#0")
        let session = try script.session()
        #expect(session.findingLines == ["batch-misaligned s0 b1 branch 0 ?"])
        #expect(session.lines.last == "drop s0 b0 branch 0 LLMTextFrame#0")
    }
}
