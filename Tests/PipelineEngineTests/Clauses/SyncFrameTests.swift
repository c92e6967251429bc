import Testing

@testable import PipelineEngine

@Suite struct SyncFrameTests {
    @Test("C6: no processor sees the SyncFrame, swallows it or lets it out")
    func unseen() async throws {
        let seen = Counter()
        let stage = try SyncParallelPipeline([
            [Custom { frame, _, _ in seen.add(frame.type.name) }], [Drop { _ in true }],
        ])
        let bench = try await Bench.run([stage], [.text("a"), .text("b")])
        #expect(bench.outcomes() == [.released, .released, .released])
        #expect(seen.values == ["StartFrame", "TextFrame", "TextFrame", "EndFrame"])
        #expect(bench.allReleased == ["↓StartFrame", "↓EndFrame"])
    }

    @Test("C6: it passes a processor when that has finished the frames before it")
    func notOvertaking() async throws {
        let stage = try SyncParallelPipeline([[Emit(" 1", " 2", " 3"), Delay(10), Delay(7)], []])
        let bench = try await Bench.run([stage], [.text("a")])
        #expect(bench.released == ["↓a", "↓a 1", "↓a 2", "↓a 3"])
        #expect(bench.events(.late).isEmpty)
        #expect(bench.events(.sync).filter { $0.batch == 1 }.map { $0.time / 1_000_000 } == [0, 37])
    }

    @Test("C6: a SyncFrame pushed by a processor or sent from outside is dropped, and an anomaly")
    func stray() async throws {
        let pusher = Custom(name: "pusher") { frame, direction, me in
            if frame.text != nil { await me.push(SyncFrame(), direction) }
            await me.push(frame, direction)
        }
        let stage = try SyncParallelPipeline([[pusher, Delay(5)], []])
        let bench = try await Bench.run([stage], [.text("a"), .frame { SyncFrame() }, .text("b")])
        #expect(bench.released == ["↓a", "↓b"])
        #expect(bench.outcomes() == [.released, .released, .released])
        let anomalies = bench.events(.anomaly)
        #expect(anomalies.filter { $0.stage == 0 && $0.branch == 0 && $0.processor == "pusher" }.count == 2)
        #expect(anomalies.filter { $0.stage == -1 }.count == 1)
    }

    @Test("C6: drain is awaited before the SyncFrame passes, so that work of its own is in time")
    func drain() async throws {
        let work = Work()
        let background = Custom(
            drain: { await work.finish() },
            body: { frame, direction, me in
                guard frame.text != nil else { return await me.push(frame, direction) }
                work.begin(on: me.link) {
                    try? await me.link.clock.sleep(nanoseconds: 20_000_000)
                    await me.push(frame, direction)
                }
            })
        let stage = try SyncParallelPipeline([[background], [Delay(5)]])
        let bench = try await Bench.run([stage], [.text("a"), .text("b")])
        #expect(bench.released == ["↓a", "↓b"])
        #expect(bench.events(.late).isEmpty)
        #expect(bench.events(.release).map { $0.time / 1_000_000 } == [20, 40, 40])
    }
}
