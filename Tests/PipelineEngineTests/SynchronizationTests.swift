import Testing

@testable import PipelineEngine

@Suite struct SynchronizationTests {
    @Test("C3, C4: a slow branch holds the fast one's output; arrival order is that of coming")
    func arrival() async throws {
        let stage = try SyncParallelPipeline([[Emit(" slow"), Delay(40)], [Emit(" fast")]])
        let bench = try await Bench.run([stage], [.text("a", at: 10), .text("b", at: 20)])
        #expect(bench.allReleased == ["↓StartFrame", "↓a fast", "↓a slow", "↓b fast", "↓b slow", "↓EndFrame"])
        #expect(bench.events(.inbound).map(\.time) == [10_000_000, 50_000_000, 90_000_000])
        #expect(bench.outcomes() == [.released, .released, .released])
    }

    @Test("C4: pipeline order is that of the branches")
    func pipelineOrder() async throws {
        let stage = try SyncParallelPipeline([[Emit(" slow", " slower"), Delay(40)], [Emit(" fast")]], frameOrder: .pipeline)
        let bench = try await Bench.run([stage], [.text("a")])
        #expect(bench.released == ["↓a slow", "↓a slower", "↓a fast"])
    }

    @Test("C1: an empty branch is an identity branch, and copies of one frame leave once")
    func identityBranches() async throws {
        let stage = try SyncParallelPipeline([[], []])
        let bench = try await Bench.run([stage], [.text("a")])
        #expect(bench.released == ["↓a"])
        #expect(bench.events(.duplicate).filter { $0.batch == 1 }.map(\.branch) == [1])
    }
}
