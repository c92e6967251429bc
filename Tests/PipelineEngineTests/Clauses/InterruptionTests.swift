import Testing

@testable import PipelineEngine

@Suite struct InterruptionTests {
    private func interruption(at: Int64, _ direction: FrameDirection = .downstream) -> Input {
        .frame(at: at, direction) { InterruptionFrame() }
    }

    @Test(
        "C10: passes at once, once; the open batch ends interrupted, queued frames are dropped, later ones are whole",
        arguments: [FrameDirection.downstream, .upstream])
    func midBatch(direction: FrameDirection) async throws {
        let stage = try SyncParallelPipeline([[Emit(" fast")], [Delay(100)]])
        let bench = try await Bench.run(
            [stage],
            [.text("a", at: 0), .text("queued", at: 5), interruption(at: 20, direction), .text("b", at: 30)])
        let mark = direction == .downstream ? "↓" : "↑"
        #expect(bench.released == [mark + "InterruptionFrame", "↓b fast", "↓b"])
        #expect(bench.output.first { $0.frame is InterruptionFrame }?.time == 20_000_000)
        #expect(bench.outcomes() == [.interrupted, .released, .released])
        #expect(bench.events(.inbound).map { $0.time / 1_000_000 } == [0, 30, 130])
        let dropped = bench.events(.drop).compactMap { $0.frame?.text ?? bench.frame(at: $0.subject)?.text }
        #expect(dropped.sorted() == ["a fast", "queued"])
        #expect(bench.events(.late).isEmpty && bench.events(.anomaly).isEmpty)
    }

    @Test("C10: uninterruptible outputs of an interrupted batch are released, and those still under way finish first")
    func uninterruptible() async throws {
        let receipts = Custom { frame, direction, me in
            guard frame.text == "a" else { return await me.push(frame, direction) }
            await me.push(ReceiptFrame())
            await me.push(TextFrame("chatter"))
        }
        let slow = Custom { frame, direction, me in
            if frame is ReceiptFrame { try await me.link.clock.sleep(nanoseconds: 50_000_000) }
            await me.push(frame, direction)
        }
        let stage = try SyncParallelPipeline([[receipts, slow], [Delay(500)]])
        let bench = try await Bench.run(
            [stage], [.text("a", at: 0), interruption(at: 20), .text("b", at: 30)])
        #expect(bench.released == ["↓InterruptionFrame", "↓receipt", "↓b"])
        #expect(bench.outcomes() == [.interrupted, .released, .released])
        #expect(bench.output.first { $0.frame is ReceiptFrame }?.time == 50_000_000)
    }

    @Test("C10: a batch whose inbound frame is uninterruptible is not interrupted")
    func uninterruptibleInbound() async throws {
        let stage = try SyncParallelPipeline([[Emit(" 1"), Delay(50)], []])
        let bench = try await Bench.run([stage], [.frame(at: 0) { ReceiptFrame() }, interruption(at: 20)])
        #expect(bench.released == ["↓InterruptionFrame", "↓receipt", "↓receipt 1"])
        #expect(bench.outcomes() == [.released, .released])
    }

    @Test(
        "C10: what comes right behind the interruption is not dropped, however busy the session is",
        .timeLimit(.minutes(1)))
    func rightBehind() async throws {
        for _ in 0..<50 {
            let stage = try SyncParallelPipeline([[Delay(10_000, only: ["a"])], []])
            let bench = Bench()
            let session = try bench.session([stage], time: .real)
            try await session.start()
            try await session.send(TextFrame("a"))
            try await session.send(InterruptionFrame())
            try await session.send(TextFrame("b"))
            await session.end()
            #expect(bench.released == ["↓InterruptionFrame", "↓b"])
        }
    }

    @Test("C10: work in flight is cancelled, and what it pushes afterwards is dropped")
    func cancelled() async throws {
        let counter = Counter()
        let stubborn = Custom { frame, direction, me in
            guard frame.text == "a" else { return await me.push(frame, direction) }
            do { try await me.link.clock.sleep(nanoseconds: 1_000_000_000) } catch { counter.add("cancelled") }
            await me.push(TextFrame("stale"))
        }
        let stage = try SyncParallelPipeline([[stubborn], []])
        let bench = try await Bench.run([stage], [.text("a", at: 0), interruption(at: 20), .text("b", at: 20)])
        #expect(counter.values == ["cancelled"])
        #expect(bench.released == ["↓InterruptionFrame", "↓b"])
        #expect(bench.events(.drop).contains { $0.frame?.text == "stale" })
        #expect(bench.events(.inbound).map { $0.time / 1_000_000 } == [0, 20, 20])
    }

    @Test("C10, C6: a first processor that is slow with the interruption misaligns nothing")
    func slowWithInterruption() async throws {
        let slow = Custom { frame, direction, me in
            if frame is InterruptionFrame { try await me.link.clock.sleep(nanoseconds: 100_000_000) }
            await me.push(frame, direction)
        }
        let stage = try SyncParallelPipeline([[slow, Delay(20)], [Delay(10)]])
        let bench = try await Bench.run(
            [stage], [.text("a", at: 0), interruption(at: 5), .text("b", at: 6), .text("c", at: 90)])
        #expect(bench.released == ["↓InterruptionFrame", "↓b", "↓c"])
        #expect(bench.outcomes() == [.interrupted, .released, .released, .released])
    }

    @Test("C10: a branch that interrupts from inside ends the batch; the interruption leaves once each way, at once")
    func fromInside() async throws {
        let interrupter = Custom { frame, direction, me in
            if frame.text == "a" {
                await me.push(InterruptionFrame(), .upstream)
                await me.push(InterruptionFrame(), .downstream)
            }
            await me.push(frame, direction)
        }
        let stage = try SyncParallelPipeline([[IdentityProcessor(), interrupter, Delay(5)], [Delay(100)]])
        let bench = try await Bench.run([stage], [.text("a", at: 0), .text("b", at: 10)])
        #expect(bench.released == ["↑InterruptionFrame", "↓InterruptionFrame", "↓b"])
        #expect(bench.outcomes() == [.interrupted, .released, .released])
        #expect(bench.events(.inbound).map { $0.time / 1_000_000 } == [0, 10, 110])
    }

    @Test("C10, C15: an interruption reaches the batches of inner stages")
    func nested() async throws {
        let inner = try SyncParallelPipeline([[Delay(100)], [Emit(" in")]])
        let outer = try SyncParallelPipeline([[inner], []])
        let bench = try await Bench.run([outer], [.text("a", at: 0), interruption(at: 20), .text("b", at: 30)])
        #expect(bench.released == ["↓InterruptionFrame", "↓b", "↓b in"])
        #expect(bench.outcomes(stage: 0) == [.interrupted, .released, .released])
        #expect(bench.outcomes(stage: 1) == [.interrupted, .released, .released])
    }

    @Test("C10: random interruptions leave no stale output and misalign nothing")
    func property() async throws {
        var random = SplitMix64(seed: 10)
        for _ in 0..<80 {
            let branches = (0..<Int.random(in: 1...3, using: &random)).map { branch in
                [Emit(" \(branch)"), Delay(Int64.random(in: 0...60, using: &random))] as [any FrameProcessor]
            }
            var at: Int64 = 0
            var input: [Input] = []
            var interrupted: [Int64] = []
            for number in 0..<12 {
                at += Int64.random(in: 0...40, using: &random)
                if Int.random(in: 0..<4, using: &random) == 0 {
                    interrupted.append(at)
                    input.append(interruption(at: at))
                } else {
                    input.append(.text("t\(number)", at: at))
                }
            }
            let bench = try await Bench.run([try SyncParallelPipeline(branches)], input)
            let texts = bench.output.compactMap { $0.frame.text }
            #expect(texts.count % branches.count == 0)
            #expect(bench.events(.late).isEmpty && bench.events(.anomaly).isEmpty)
            #expect(bench.outcomes().count == bench.events(.inbound).count)
            for event in bench.events(.release) {
                let accepted = bench.events(.inbound).first { $0.batch == event.batch }!.time
                let crossed = interrupted.contains { $0 * 1_000_000 > accepted && $0 * 1_000_000 < event.time }
                #expect(!crossed, "batch \(event.batch) was released across an interruption")
            }
        }
    }
}
