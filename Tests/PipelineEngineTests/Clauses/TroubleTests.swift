import Testing

@testable import PipelineEngine

@Suite struct ErrorTests {
    private final class Failing: ImmediateProcessor {
        let link = ProcessorLink(name: "failing")
        func process(_ frame: any Frame, direction: FrameDirection, into output: inout FrameOutput) throws {
            output.push(frame, direction)
            if frame.text != nil { throw TestError(description: "no voice") }
        }
    }

    @Test("C11: a processor that throws costs its frame, not the batch; the error leaves upstream at once")
    func throwing() async throws {
        let failing = Custom(name: "voice") { frame, direction, me in
            if frame.text == "a" { throw TestError(description: "no voice") }
            await me.push(frame, direction)
        }
        let stage = try SyncParallelPipeline([[failing], [Delay(50)]])
        let bench = try await Bench.run([stage], [.text("a"), .text("b")])
        #expect(bench.released == ["↑ErrorFrame", "↓a", "↓b"])
        let error = try #require(bench.output.compactMap { $0.frame as? ErrorFrame }.first)
        #expect(error.processor == "voice" && error.error == "no voice" && !error.fatal)
        #expect(bench.output.first { $0.frame is ErrorFrame }?.time == 0)
        let event = try #require(bench.events(.error).first)
        #expect(event.batch == 1 && event.branch == 0 && event.processor == "voice" && event.detail == "no voice")
        #expect(event.frame?.text == "a")
        #expect(bench.outcomes() == [.released, .released, .released])
    }

    @Test("C11: the same for one that never waits; what it pushed before is kept")
    func immediate() async throws {
        let bench = try await Bench.run([try SyncParallelPipeline([[Failing()], []])], [.text("a")])
        #expect(bench.released == ["↑ErrorFrame", "↓a"])
        #expect(bench.events(.error).map(\.processor) == ["failing"])
    }

    @Test("C11: an error in drain is reported and holds nothing up")
    func drain() async throws {
        let bad = Custom(
            name: "bad", drain: { throw TestError(description: "lost") },
            body: { frame, direction, me in await me.push(frame, direction) })
        let bench = try await Bench.run([try SyncParallelPipeline([[bad]])], [.text("a")])
        #expect(bench.outcomes() == [.released, .released])
        #expect(bench.events(.error).map(\.detail).allSatisfy { $0 == "lost" })
    }
}

@Suite struct StallTests {
    private func stage(_ policy: StallPolicy) throws -> SyncParallelPipeline {
        try SyncParallelPipeline(
            [[Emit(" 1")], [IdentityProcessor(), Delay(100, only: ["a"], name: "speech")]],
            stallTimeout: 30_000_000, stallPolicy: policy)
    }

    @Test("C12: a stall names the branch and the processor that holds the frame; by default the stage waits on")
    func wait() async throws {
        let bench = try await Bench.run([try stage(.wait)], [.text("a"), .text("b")])
        let stall = try #require(bench.events(.stall).first)
        #expect(bench.events(.stall).count == 1)
        #expect(stall.branch == 1 && stall.batch == 1 && stall.processor == "speech" && stall.time == 30_000_000)
        #expect(stall.detail == "branch 1 has not given its SyncFrame back in 30 ms; speech holds the frame")
        #expect(bench.released == ["↓a 1", "↓a", "↓b 1", "↓b"])
    }

    @Test("C12, C13: release lets out what has arrived; the branch's later output joins the next release, as late")
    func release() async throws {
        let bench = try await Bench.run([try stage(.release)], [.text("a"), .text("b", at: 80)])
        #expect(bench.released == ["↓a 1", "↓b 1", "↓a", "↓b"])
        #expect(bench.events(.late).map { $0.frame?.text } == ["a"])
        #expect(bench.events(.late).map(\.batch) == [2])
        #expect(bench.events(.release).first?.time == 30_000_000)
        let syncs = bench.events(.sync).filter { $0.branch == 1 }.map { [$0.batch, $0.time / 1_000_000] }
        #expect(syncs == [[1, 100], [2, 100], [3, 100]], "the overdue SyncFrame is on record")
        #expect(bench.outcomes() == [.released, .released, .released])
        #expect(bench.events(.anomaly).isEmpty)
    }

    @Test("C12: outputs that come after a stage was released to its end are dropped, and recorded")
    func releaseAtEnd() async throws {
        let bench = try await Bench.run([try stage(.release)], [.text("a")])
        #expect(bench.allReleased == ["↓StartFrame", "↓a 1", "↓EndFrame"])
        #expect(bench.events(.inbound).map { $0.time / 1_000_000 } == [0, 30])
    }

    @Test("C12: fail sends a fatal error upstream, fails the batch and ends the session")
    func fail() async throws {
        let bench = Bench()
        let session = try bench.session([try stage(.fail)])
        try await session.start()
        try await session.send(TextFrame("a"))
        let ending = await session.end()
        guard case .failed(let message) = ending else {
            Issue.record("ended as \(ending)")
            return
        }
        #expect(message.contains("speech"))
        #expect(bench.outcomes().first == .failed)
        let error = try #require(bench.output.compactMap { $0.frame as? ErrorFrame }.first)
        #expect(error.fatal)
        #expect(bench.output.allSatisfy { $0.frame.text == nil })
    }

    @Test("C12: a stall in an inner stage names the processor inside")
    func nested() async throws {
        let inner = try SyncParallelPipeline([[Delay(100, name: "deep")], []])
        let outer = try SyncParallelPipeline([[inner], []], stallTimeout: 30_000_000)
        let bench = try await Bench.run([outer], [.text("a")])
        #expect(bench.events(.stall).map(\.processor) == ["deep"])
    }

    @Test("C12: batches in time report nothing, however many")
    func none() async throws {
        let stage = try SyncParallelPipeline([[Delay(20)]], stallTimeout: 30_000_000)
        let bench = try await Bench.run([stage], (0..<50).map { .text("\($0)") })
        #expect(bench.events(.stall).isEmpty)
        #expect(bench.outcomes().count == 51)
    }
}

@Suite struct LateOutputTests {
    @Test("C13: output after the branch's SyncFrame joins the open batch if there is one, else the next")
    func late() async throws {
        let work = Work()
        let tardy = Custom { frame, direction, me in
            if let text = frame.text {
                let wait: Int64 = text == "a" ? 20 : 60
                work.begin(on: me.link) {
                    try? await me.link.clock.sleep(nanoseconds: wait * 1_000_000)
                    await me.push(TextFrame("late " + text))
                }
            }
            await me.push(frame, direction)
        }
        let stage = try SyncParallelPipeline([[tardy], [Delay(50)]])
        let bench = try await Bench.run([stage], [.text("a", at: 0), .text("b", at: 100), .text("c", at: 200)])
        #expect(bench.released == ["↓a", "↓late a", "↓b", "↓late b", "↓c"])
        #expect(bench.events(.late).map(\.batch) == [1, 3])
        let late = bench.events(.late)[1]
        #expect(late.emission == 0 && late.arrival == 0, "it comes first in the batch it joins")
        #expect(bench.events(.release).first { $0.subject == late.sequence }?.batch == 3)
    }

    @Test("C13: the last late output goes out before EndFrame; after that it is dropped and recorded")
    func end() async throws {
        let work = Work()
        let tardy = Custom { frame, direction, me in
            if frame.text != nil {
                work.begin(on: me.link) {
                    try? await me.link.clock.sleep(nanoseconds: 10_000_000)
                    await me.push(TextFrame("late"))
                    try? await me.link.clock.sleep(nanoseconds: 100_000_000)
                    await me.push(TextFrame("lost"))
                }
            }
            await me.push(frame, direction)
        }
        let tail = Custom { frame, direction, me in
            if frame.type.name == "EndFrame" { try await me.link.clock.sleep(nanoseconds: 200_000_000) }
            await me.push(frame, direction)
        }
        let bench = try await Bench.run(
            [try SyncParallelPipeline([[tardy]]), tail], [.text("a", at: 0), .frame(at: 50) { EndFrame() }])
        #expect(bench.allReleased == ["↓StartFrame", "↓a", "↓late", "↓EndFrame"])
        #expect(bench.events(.drop).map { $0.frame?.text } == ["lost"])
    }
}
