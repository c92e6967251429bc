import Testing

@testable import PipelineEngine

@Suite struct DirectionTests {
    @Test("C14: an upstream frame enters at the sinks, and its batch follows the same rules")
    func upstreamBatch() async throws {
        let stage = try SyncParallelPipeline([[Emit(" 1"), Delay(20)], [Emit(" 2")]])
        let bench = try await Bench.run([stage], [.text("a", .upstream)])
        #expect(bench.released == ["↑a 2", "↑a 1"])
        #expect(bench.events(.inbound).first?.direction == .upstream)
    }

    @Test("C14: upstream outputs of a downstream batch leave with it, and the other way round")
    func crossing() async throws {
        let stage = try SyncParallelPipeline([[Emit(" on", upstream: [" back"])], [Delay(10)]])
        let bench = try await Bench.run([stage], [.text("a"), .text("b", .upstream), .text("c")])
        #expect(bench.released == ["↑a back", "↓a on", "↓a", "↑b on", "↑b", "↓b back", "↑c back", "↓c on", "↓c"])
        #expect(bench.events(.release).filter { $0.batch == 2 }.map(\.position) == [0, 1, 0])
    }

    @Test("C3, C14: frames of both directions are taken in the order of their coming")
    func mixedOrder() async throws {
        let stage = try SyncParallelPipeline([[Delay(10)], []])
        let bench = try await Bench.run(
            [stage], [.text("1"), .text("2", .upstream), .text("3"), .text("4", .upstream)])
        #expect(bench.released == ["↓1", "↑2", "↓3", "↑4"])
        #expect(bench.events(.inbound).dropLast().map { $0.time / 1_000_000 } == [0, 10, 20, 30])
    }
}

@Suite struct NestingTests {
    @Test("C15: a stage in a stage; the inner release is what the outer sees", arguments: FrameOrder.allCases)
    func nested(order: FrameOrder) async throws {
        let inner = try SyncParallelPipeline([[Emit(" i0"), Delay(30)], [Emit(" i1")]], frameOrder: order)
        let outer = try SyncParallelPipeline([[inner], [Emit(" o"), Delay(10)]], frameOrder: order)
        let bench = try await Bench.run([outer], [.text("a"), .text("b")])
        let expected =
            order == .arrival
            ? ["↓a o", "↓a i1", "↓a i0", "↓b o", "↓b i1", "↓b i0"]
            : ["↓a i0", "↓a i1", "↓a o", "↓b i0", "↓b i1", "↓b o"]
        #expect(bench.released == expected)
        #expect(bench.outcomes(stage: 0).count == 3 && bench.outcomes(stage: 1).count == 3)
    }

    @Test("C15: four deep, each with batches of its own")
    func deep() async throws {
        var stage = try SyncParallelPipeline([[Delay(5)], []])
        for _ in 0..<3 { stage = try SyncParallelPipeline([[stage], [Delay(3)]]) }
        let bench = try await Bench.run([stage], (0..<5).map { .text("\($0)") } + [.system()])
        #expect(bench.released.filter { $0 != "↓UserStartedSpeakingFrame" } == (0..<5).map { "↓\($0)" })
        #expect(bench.released.filter { $0 == "↓UserStartedSpeakingFrame" }.count == 1)
        #expect((0..<4).map { bench.outcomes(stage: $0).count } == [6, 6, 6, 6])
    }

    @Test("C15: one after the other; the second takes what the first releases, one batch each")
    func sequence() async throws {
        let first = try SyncParallelPipeline([[Emit(" 1", " 2")], []])
        let second = try SyncParallelPipeline([[Delay(10)], [Emit(" x")]])
        let bench = try await Bench.run([first, IdentityProcessor(), second], [.text("a")])
        #expect(bench.released == ["↓a x", "↓a", "↓a 1 x", "↓a 1", "↓a 2 x", "↓a 2"])
        #expect(bench.events(.inbound).filter { $0.stage == 1 }.map(\.batch) == [1, 2, 3, 4])
        #expect(bench.output.first { $0.frame.text == "a x" }?.origin?.stage == 1)
    }

    @Test("C15: inside an unsynchronized parallel pipeline")
    func inParallel() async throws {
        let stage = try SyncParallelPipeline([[Delay(20)], [Emit(" s")]])
        let parallel = try ParallelPipeline(branches: [Pipeline([stage]), Pipeline([Emit(" free")])])
        let bench = try await Bench.run([parallel], [.text("a"), .text("b"), .system()])
        #expect(
            bench.allReleased == [
                "↓StartFrame", "↓a free", "↓b free", "↓UserStartedSpeakingFrame", "↓a s", "↓a", "↓b s", "↓b",
                "↓EndFrame",
            ])
    }

    @Test("C15: a parallel pipeline in a branch; its slow inner output is in time")
    func parallelInside() async throws {
        let parallel = try ParallelPipeline(branches: [
            Pipeline([Delay(30), Emit(" slow")]), Pipeline([Emit(" quick")]),
        ])
        let bench = try await Bench.run(
            [try SyncParallelPipeline([[parallel], [Emit(" other")]])], [.text("a"), .text("b")])
        #expect(bench.released == ["↓a other", "↓a quick", "↓a slow", "↓b other", "↓b quick", "↓b slow"])
        #expect(bench.events(.late).isEmpty)
        #expect(bench.outcomes().count == 3)
    }

    @Test("a frame that passes a parallel pipeline in several branches comes out once, with the first")
    func parallelOnce() async throws {
        let parallel = try ParallelPipeline(branches: [Pipeline([Delay(10)]), Pipeline([]), Pipeline([Drop()])])
        let bench = try await Bench.run([parallel], [.text("a"), .text("b"), .text("up", .upstream)])
        #expect(bench.allReleased == ["↓StartFrame", "↓a", "↓b", "↑up", "↓EndFrame"])
    }
}

@Suite struct ValueTests {
    @Test("C16: what one branch changes, its siblings do not see; the collision is recorded with both contents")
    func values() async throws {
        let changing = Custom { frame, direction, me in
            guard var text = frame as? TextFrame else { return await me.push(frame, direction) }
            text.content = "changed"
            await me.push(text, direction)
        }
        let stage = try SyncParallelPipeline([[changing], [Delay(10)]])
        let bench = try await Bench.run([stage], [.text("a")])
        #expect(bench.released == ["↓changed"])
        #expect(bench.events(.output).filter { $0.batch == 1 }.map { $0.frame?.text } == ["changed", "a"])
        let anomaly = try #require(bench.events(.anomaly).first)
        #expect(anomaly.detail?.hasPrefix("id collision") == true)
        #expect(bench.frame(at: anomaly.subject)?.text == "a")
        #expect(bench.events.last { $0.batch == 1 }?.outcome == .released, "the outcome stands on the last event")
    }

    @Test("C16: copies that did not change are no collision")
    func same() async throws {
        let bench = try await Bench.run([try SyncParallelPipeline([[Delay(1)], [], []])], [.text("a")])
        #expect(bench.events(.anomaly).isEmpty)
        #expect(bench.events(.duplicate).filter { $0.batch == 1 }.count == 2)
    }
}
