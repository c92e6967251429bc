import Testing

@testable import PipelineEngine

@Suite struct SystemFrameTests {
    @Test("C7, C17: a system frame passes at once, once, while a batch is open and a processor is busy")
    func midBatch() async throws {
        let seen = Counter()
        let stage = try SyncParallelPipeline([
            [
                Delay(100),
                Custom { frame, direction, me in
                    seen.add(frame.type.name)
                    await me.push(frame, direction)
                },
            ],
            [IdentityProcessor(), Delay(50)], [],
        ])
        let bench = try await Bench.run([stage], [.text("a"), .system(at: 20), .text("b", at: 30)])
        #expect(bench.released == ["↓UserStartedSpeakingFrame", "↓a", "↓b"])
        let bypass = try #require(bench.events(.bypass).first { $0.frame?.type.name == "UserStartedSpeakingFrame" })
        #expect(bypass.time == 20_000_000)
        #expect(bypass.branch == -1 && bypass.batch == 0)
        #expect(
            seen.values.prefix(2) == ["StartFrame", "UserStartedSpeakingFrame"], "it goes into every branch, at once")
        #expect(bench.events(.bypass).count == 2)
    }

    @Test("C7: nothing of a system frame joins the next batch, upstream or downstream")
    func nothingRetained() async throws {
        let stage = try SyncParallelPipeline([[IdentityProcessor()], [Delay(5)]])
        let up = Input(make: { GenericFrame(FrameType.catalogue["UserStoppedSpeakingFrame"]!) }, direction: .upstream)
        let bench = try await Bench.run([stage], [.system(), up, .text("a"), .text("b", .upstream)])
        #expect(bench.released == ["↓UserStartedSpeakingFrame", "↑UserStoppedSpeakingFrame", "↓a", "↑b"])
    }

    @Test("C7: a copy that a branch gives back later, from work of its own, is swallowed too")
    func lateCopy() async throws {
        let work = Work()
        let later = Custom { frame, direction, me in
            guard frame.type.frameClass == .system, frame.type.name != "StartFrame" else {
                return await me.push(frame, direction)
            }
            work.begin(on: me.link) {
                try? await me.link.clock.sleep(nanoseconds: 1_000_000)
                await me.push(frame, direction)
            }
        }
        let bench = try await Bench.run([try SyncParallelPipeline([[later], []])], [.system(), .text("a", at: 10)])
        #expect(bench.released == ["↓UserStartedSpeakingFrame", "↓a"])
    }

    @Test("C7: a system frame born in a branch leaves at once in its direction, mid-batch")
    func born() async throws {
        let signal = Custom { frame, direction, me in
            if frame.text != nil {
                await me.push(GenericFrame(FrameType.catalogue["BotStartedSpeakingFrame"]!), .downstream)
                await me.push(GenericFrame(FrameType.catalogue["UserMuteStartedFrame"]!), .upstream)
            }
            await me.push(frame, direction)
        }
        let stage = try SyncParallelPipeline([[], [signal, Delay(50)]])
        let bench = try await Bench.run([stage], [.text("a")])
        #expect(bench.released == ["↑UserMuteStartedFrame", "↓BotStartedSpeakingFrame", "↓a"])
        let born = bench.events(.bypass).filter { $0.branch >= 0 }
        #expect(born.map(\.branch) == [1, 1])
        #expect(born.map(\.direction) == [.upstream, .downstream])
        #expect(bench.output.first { $0.frame.type.name == "BotStartedSpeakingFrame" }?.origin?.batch == 0)
    }

    @Test("C8: the StartFrame comes out once, after all branches have it, before any other frame")
    func start() async throws {
        let slow = Custom { frame, direction, me in
            if frame.type.name == "StartFrame" {
                try await me.link.clock.sleep(nanoseconds: 30_000_000)
                await me.push(GenericFrame(FrameType.catalogue["BotConnectedFrame"]!))
            }
            await me.push(frame, direction)
        }
        let swallowing = Drop { $0.type.name == "StartFrame" }
        let eager = Custom { frame, direction, me in
            if frame.type.name == "StartFrame" { await me.push(TextFrame("greeting")) }
            await me.push(frame, direction)
        }
        let bench = try await Bench.run(
            [try SyncParallelPipeline([[eager], [slow], [swallowing], []])], [.text("a")])
        #expect(bench.allReleased == ["↓StartFrame", "↓BotConnectedFrame", "↓greeting", "↓a", "↓EndFrame"])
        #expect(bench.output.first?.time == 30_000_000)
        #expect(bench.events(.late).map { $0.frame?.text } == ["greeting"], "it joins the first release (C13)")
    }
}

@Suite struct EndingTests {
    @Test("C9: what branches flush on EndFrame comes out first; then one EndFrame, last")
    func flush() async throws {
        let flushing = Custom { frame, direction, me in
            if frame.type.name == "EndFrame" {
                try await me.link.clock.sleep(nanoseconds: 10_000_000)
                await me.push(TextFrame("flushed"))
            }
            await me.push(frame, direction)
            if frame.type.name == "EndFrame" { await me.push(TextFrame("and more")) }
        }
        let bench = try await Bench.run([try SyncParallelPipeline([[], [flushing]])], [.text("a")])
        #expect(bench.allReleased == ["↓StartFrame", "↓a", "↓flushed", "↓and more", "↓EndFrame"])
        #expect(bench.events(.release).last?.position == 2)
    }

    @Test("C9: the EndFrame comes out even if branches swallow it or emit others")
    func swallowed() async throws {
        let swallowing = Drop { $0.type.name == "EndFrame" }
        let multiplying = Custom { frame, direction, me in
            if frame.type.name == "EndFrame" { await me.push(EndFrame()) }
            await me.push(frame, direction)
            if frame.type.name == "EndFrame" { await me.push(EndFrame()) }
        }
        let bench = try await Bench.run([try SyncParallelPipeline([[swallowing], [multiplying]])], [])
        #expect(bench.allReleased == ["↓StartFrame", "↓EndFrame"])
        #expect(bench.events(.drop).count == 2)
        let alone = try await Bench.run([try SyncParallelPipeline([[Drop { $0.type.name == "EndFrame" }]])], [])
        #expect(alone.allReleased == ["↓StartFrame", "↓EndFrame"])
    }

    @Test("C9: a synchronized frame after EndFrame is refused and recorded; system frames pass")
    func refused() async throws {
        let bench = try await Bench.run(
            [try SyncParallelPipeline([[]])], [.frame { EndFrame() }, .text("too late"), .system()])
        #expect(bench.allReleased == ["↓StartFrame", "↓EndFrame", "↓UserStartedSpeakingFrame"])
        let drop = try #require(bench.events(.drop).first)
        #expect(drop.frame?.text == "too late")
        #expect(drop.detail?.contains("after the EndFrame") == true)
    }

    @Test("C9: StopFrame likewise comes out once, last; the stage takes more frames after it")
    func stop() async throws {
        let flushing = Custom { frame, direction, me in
            await me.push(frame, direction)
            if frame.type.name == "StopFrame" { await me.push(TextFrame("flushed")) }
        }
        let bench = try await Bench.run(
            [try SyncParallelPipeline([[flushing], []])], [.frame { StopFrame() }, .text("a")])
        #expect(bench.allReleased == ["↓StartFrame", "↓flushed", "↓StopFrame", "↓a", "↓EndFrame"])
    }

    @Test("C9: CancelFrame passes at once; the open batch is cancelled, its outputs dropped and recorded")
    func cancel() async throws {
        let bench = Bench()
        let session = try bench.session([
            try SyncParallelPipeline([[Emit(" fast")], [Delay(1_000)]])
        ])
        try await session.start()
        try await session.send(TextFrame("a"))
        try await session.send(TextFrame("queued"))
        #expect(await session.cancel() == .cancelled)
        #expect(bench.allReleased == ["↓StartFrame", "↓CancelFrame"])
        #expect(bench.outcomes() == [.cancelled])
        let drops = bench.events(.drop)
        #expect(drops.compactMap { $0.frame?.text } == ["queued"])
        #expect(drops.compactMap { bench.frame(at: $0.subject)?.text } == ["a fast"])
        #expect(bench.output.last.map { $0.time < 1_000_000_000 } == true)
        await #expect(throws: PipelineError.self) { try await session.send(TextFrame("after")) }
    }

    @Test("a session ends once, whoever asks")
    func endTwice() async throws {
        let session = try Bench().session([try SyncParallelPipeline([[Delay(5)]])])
        try await session.start()
        try await session.send(TextFrame("a"))
        async let first = session.end()
        async let second = session.end()
        async let third = session.end()
        #expect(await [first, second, third] == [.ended, .ended, .ended])
        #expect(await session.cancel() == .ended)
    }

    /// Each waits for its turn on the session's executor, and finds the session over when it has it.
    @Test("a session that several end, cancel and send into at once ends once, and traps nobody")
    func endedFromAllSides() async throws {
        for _ in 0..<300 {
            let session = try Bench().session([try SyncParallelPipeline([[], []])])
            try await session.start()
            let endings = await withTaskGroup { group in
                for number in 0..<6 {
                    group.addTask { () -> PipelineSession.Ending? in
                        if number % 3 == 0 { return await session.end() }
                        if number % 3 == 1 { return await session.cancel() }
                        try? await session.send(TextFrame("late"))
                        return nil
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            let given = endings.compactMap(\.self)
            #expect(given.count == 4 && given.allSatisfy { $0 == given[0] })
        }
    }
}
