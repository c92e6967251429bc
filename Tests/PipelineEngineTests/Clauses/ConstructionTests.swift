import Testing

@testable import PipelineEngine

@Suite struct ConstructionTests {
    @Test("C1: no branch is an error")
    func noBranch() {
        #expect(throws: PipelineError.self) { try SyncParallelPipeline([] as [[any FrameProcessor]]) }
        #expect(throws: PipelineError.self) { try ParallelPipeline(branches: []) }
    }

    @Test("C1: one processor object in two places is an error that names it")
    func twoPlaces() throws {
        let shared = Delay(1, name: "the delay")
        let error = try #require(throws: PipelineError.self) { try SyncParallelPipeline([[shared], [shared]]) }
        #expect(error.code == .processorUsedTwice)
        #expect(error.message.contains("the delay"))
        let stage = try SyncParallelPipeline([[shared]])
        #expect(throws: PipelineError.self) { try Pipeline([shared, stage]) }
        let inner = try Pipeline([Emit()])
        #expect(throws: PipelineError.self) { try SyncParallelPipeline(branches: [inner, inner]) }
    }

    @Test("C1: an unknown frame order names the value and the allowed ones; the default is arrival")
    func order() throws {
        let error = try #require(throws: PipelineError.self) { try FrameOrder(named: "PIPELINE") }
        #expect(error.message == "unknown frame order 'PIPELINE'; use arrival or pipeline")
        #expect(try FrameOrder(named: "pipeline") == .pipeline)
        #expect(try SyncParallelPipeline([[]]).frameOrder == .arrival)
    }

    @Test("a processor runs in one session at a time")
    func oneSession() async throws {
        let processor = Delay(1, name: "mine")
        let first = try PipelineSession(Pipeline([processor]))
        try await first.start()
        let second = try PipelineSession(Pipeline([processor]))
        let error = await #expect(throws: PipelineError.self) { try await second.start() }
        #expect(error?.message.contains("mine runs in another session") == true)
        await first.end()
        let third = try PipelineSession(Pipeline([processor]))
        try await third.start()
        #expect(await third.end() == .ended)
    }

    @Test("the definition numbers stages outer before inner, in definition order, and names their branches")
    func definition() throws {
        let inner = try SyncParallelPipeline([[Emit()], []], frameOrder: .pipeline)
        let outer = try SyncParallelPipeline(
            branches: [Pipeline([Delay(1), inner], name: "left"), Pipeline([Delay(2)])])
        let last = try SyncParallelPipeline([[Emit()]], name: "the last")
        let definition = try PipelineSession(Pipeline([outer, IdentityProcessor(), last])).definition
        #expect(definition.stages.map(\.name) == ["SyncParallelPipeline#0", "SyncParallelPipeline#1", "the last"])
        #expect(definition.stages.map(\.parent) == [nil, 0, nil])
        #expect(definition.stages.map(\.frameOrder) == [.arrival, .pipeline, .arrival])
        #expect(definition.stages[0].branches.map(\.name) == ["left", nil])
        #expect(
            definition.stages[0].branches.map(\.processors) == [["Delay#0", "SyncParallelPipeline#1"], ["Delay#1"]])
        #expect(definition.stages[1].branches.map(\.processors) == [["Emit#0"], []])
    }

    @Test("the seed's names: processors, entry processors, processors with metrics")
    func names() throws {
        let metered = Metered()
        let stage = try SyncParallelPipeline([[metered], []])
        #expect(stage.processors.count == 2)
        #expect(stage.entryProcessors.allSatisfy { $0 is SyncParallelPipelineSource })
        #expect(stage.processorsWithMetrics().map(ObjectIdentifier.init) == [ObjectIdentifier(metered)])
    }

    private final class Metered: FrameProcessor {
        let link = ProcessorLink()
        let generatesMetrics = true
        func process(_ frame: any Frame, direction: FrameDirection) async throws { await push(frame, direction) }
    }

    @Test("setup and cleanup reach every processor once; a setup that fails names the processor")
    func setup() async throws {
        let counter = Counter()
        let processors = [Noting(counter), Noting(counter), Noting(counter)]
        let stage = try SyncParallelPipeline([[processors[0]], [processors[1]]])
        try await Bench.run([stage, processors[2]], [])
        #expect(counter.values == ["setup", "setup", "setup", "cleanup", "cleanup", "cleanup"])

        let failing = Noting(counter, fails: true)
        let session = try PipelineSession(Pipeline([SyncParallelPipeline([[failing]])]))
        let error = await #expect(throws: PipelineError.self) { try await session.start() }
        #expect(error?.message == "Noting#0 could not be set up: no microphone")
        await #expect(throws: PipelineError.self) { try await session.send(TextFrame("a")) }
    }

    private final class Noting: FrameProcessor {
        let link = ProcessorLink()
        private let counter: Counter
        private let fails: Bool

        init(_ counter: Counter, fails: Bool = false) {
            self.counter = counter
            self.fails = fails
        }

        func setup(_ setup: ProcessorSetup) async throws {
            if fails { throw TestError(description: "no microphone") }
            counter.add("setup")
        }
        func cleanup() async { counter.add("cleanup") }
        func process(_ frame: any Frame, direction: FrameDirection) async throws { await push(frame, direction) }
    }
}
