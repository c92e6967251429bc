import Testing

@testable import PipelineEngine

@Suite struct SynchronizationTests {
    @Test(
        "C2: every known type is synchronized or passes, as its class says",
        arguments: [FrameDirection.downstream, .upstream])
    func classes(direction: FrameDirection) async throws {
        let special: Set = ["StartFrame", "EndFrame", "StopFrame", "CancelFrame", "SyncFrame"]
        let types = FrameType.catalogue.values.filter { !special.contains($0.name) }.sorted { $0.name < $1.name }
        let stage = try SyncParallelPipeline([[], [IdentityProcessor()]])
        let bench = try await Bench.run(
            [stage], types.map { type in Input(make: { GenericFrame(type) }, direction: direction) })
        for type in types {
            let mine = bench.events.filter { $0.frame?.type == type && $0.kind != .output }
            let expected: SessionEvent.Kind = type.frameClass == .system ? .bypass : .inbound
            #expect(mine.map(\.kind) == [expected], "\(type)")
            #expect(bench.output.filter { $0.frame.type == type }.map(\.direction) == [direction], "\(type)")
        }
    }

    @Test("C3: the branches of a batch overlap; the next batch begins when this one is released")
    func oneAtATime() async throws {
        let stage = try SyncParallelPipeline([[Delay(40)], [Delay(30)]])
        let bench = try await Bench.run([stage], [.text("a"), .text("b")])
        let inbound = bench.events(.inbound).map { $0.time / 1_000_000 }
        #expect(inbound == [0, 40, 80])
        let syncs = bench.events(.sync).prefix(4).map { [Int64($0.branch), $0.time / 1_000_000] }
        #expect(syncs == [[1, 30], [0, 40], [1, 70], [0, 80]])
        #expect(bench.events(.inbound).map(\.batch) == [1, 2, 3])
    }

    @Test("C3, C4: a slow branch holds the fast one's output; arrival order is that of coming")
    func arrival() async throws {
        let stage = try SyncParallelPipeline([[Emit(" slow"), Delay(40)], [Emit(" fast")]])
        let bench = try await Bench.run([stage], [.text("a", at: 10), .text("b", at: 20)])
        #expect(bench.allReleased == ["↓StartFrame", "↓a fast", "↓a slow", "↓b fast", "↓b slow", "↓EndFrame"])
        #expect(bench.events(.inbound).map(\.time) == [10_000_000, 50_000_000, 90_000_000])
        #expect(bench.outcomes() == [.released, .released, .released])
    }

    @Test("C4: pipeline order is that of the branches, each in the order of its emissions")
    func pipelineOrder() async throws {
        let stage = try SyncParallelPipeline(
            [[Emit(" slow", " slower"), Delay(40)], [Emit(" fast")]], frameOrder: .pipeline)
        let bench = try await Bench.run([stage], [.text("a")])
        #expect(bench.released == ["↓a slow", "↓a slower", "↓a fast"])
    }

    @Test("C4: upstream outputs first; positions count from 0 in each direction")
    func upstreamFirst() async throws {
        let stage = try SyncParallelPipeline([[Emit(" 1", " 2", upstream: [" up"])], [Emit(" 3", upstream: [" up2"])]])
        let bench = try await Bench.run([stage], [.text("a")])
        #expect(bench.released == ["↑a up", "↑a up2", "↓a 1", "↓a 2", "↓a 3"])
        #expect(bench.events(.release).filter { $0.batch == 1 }.map(\.position) == [0, 1, 0, 1, 2])
        let origins = bench.output.compactMap(\.origin).filter { $0.batch == 1 }
        #expect(origins.map(\.branch) == [0, 1, 0, 0, 1])
        #expect(origins.map(\.position) == [0, 1, 0, 1, 2])
    }

    @Test("C4: copies of one frame leave once, the first in release order wins", arguments: FrameOrder.allCases)
    func duplicates(order: FrameOrder) async throws {
        let stage = try SyncParallelPipeline([[Delay(5)], []], frameOrder: order)
        let bench = try await Bench.run([stage], [.text("a")])
        #expect(bench.released == ["↓a"])
        let winner = order == .arrival ? 1 : 0
        #expect(bench.events(.release).first?.branch == winner)
        let duplicate = try #require(bench.events(.duplicate).first)
        #expect(duplicate.branch == 1 - winner)
        #expect(duplicate.position == 0)
        #expect(bench.frame(at: duplicate.subject)?.text == "a")
    }

    @Test("C4: deduplication is per batch")
    func perBatch() async throws {
        let frame = TextFrame("again")
        let bench = try await Bench.run(
            [try SyncParallelPipeline([[], []])], [.frame { frame }, .frame { frame }])
        #expect(bench.released == ["↓again", "↓again"])
    }

    @Test("C5: arrival is that at the sinks, whichever branch is looked at first")
    func arrivalIsReal() async throws {
        var random = SplitMix64(seed: 5)
        for _ in 0..<60 {
            let delays = (0..<4).map { _ in Int64.random(in: 1...1_000, using: &random) }
            guard Set(delays).count == 4 else { continue }
            let stage = try SyncParallelPipeline(
                delays.enumerated().map { [Emit(" \($0.offset)"), Delay($0.element)] })
            let bench = try await Bench.run([stage], [.text("a")])
            let expected = delays.indices.sorted { delays[$0] < delays[$1] }.map { "↓a \($0)" }
            #expect(bench.released == expected, "delays \(delays)")
        }
    }

    @Test("a batch that puts nothing out ends as released, and says so")
    func nothing() async throws {
        let bench = try await Bench.run([try SyncParallelPipeline([[Drop()], [Drop()]])], [.text("a"), .text("b")])
        #expect(bench.released == [])
        #expect(bench.outcomes() == [.released, .released, .released])
        #expect(bench.events(.close).map(\.batch) == [1, 2])
    }

    @Test("sequences have no gap, times never decrease, subjects point to outputs of the same batch and branch")
    func sequences() async throws {
        let stage = try SyncParallelPipeline([[Emit(" 1", " 2"), Delay(3)], [Delay(1)], []], frameOrder: .pipeline)
        let bench = try await Bench.run([stage], (0..<20).map { .text("t\($0)") } + [.system()])
        let events = bench.events
        #expect(events.map(\.sequence) == Array(1...Int64(events.count)))
        #expect(zip(events, events.dropFirst()).allSatisfy { $0.time <= $1.time })
        for event in events where event.kind == .release || event.kind == .duplicate {
            let subject = events[Int(event.subject) - 1]
            #expect(subject.kind == .output)
            #expect(subject.batch == event.batch && subject.branch == event.branch)
        }
    }
}
