import NIOConcurrencyHelpers
import Testing

@testable import PipelineEngine

/// A processor that does what the test says.
private final class Acting: FrameProcessor {
    typealias Action = @Sendable (any Frame, FrameDirection, Acting) async throws -> Void

    let link = ProcessorLink()
    private let atSetup: @Sendable () async throws -> Void
    private let atCleanup: @Sendable () async -> Void
    private let action: Action

    init(
        atSetup: @escaping @Sendable () async throws -> Void = {}, atCleanup: @escaping @Sendable () async -> Void = {},
        action: @escaping Action = { await $2.push($0, $1) }
    ) {
        self.atSetup = atSetup
        self.atCleanup = atCleanup
        self.action = action
    }

    convenience init(_ action: @escaping Action) { self.init(action: action) }

    func setup(_ setup: ProcessorSetup) async throws { try await atSetup() }
    func cleanup() async { await atCleanup() }
    func process(_ frame: any Frame, direction: FrameDirection) async throws {
        try await action(frame, direction, self)
    }
}

/// Says something once it is said.
private actor Signal {
    private var isGiven = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func give() {
        isGiven = true
        for waiter in waiting { waiter.resume() }
        waiting = []
    }

    func wait() async {
        if !isGiven { await withCheckedContinuation { waiting.append($0) } }
    }
}

private let systemFrame: @Sendable () -> any Frame = { GenericFrame(FrameType.catalogue["UserStartedSpeakingFrame"]!) }

/// Sessions that are used from where they are not at home, at moments that do not suit, or not to their end.
@Suite struct LifetimeTests {
    // MARK: - From elsewhere

    private actor Owner {
        let session: PipelineSession
        init(_ session: PipelineSession) { self.session = session }

        func send(_ count: Int) async throws {
            for number in 0..<count { try await session.send(TextFrame("\(number)")) }
        }

        func sendAndSleep() async throws {
            try await session.send(TextFrame("last"))
            try await session.clock.sleep(nanoseconds: 1_000_000)
        }
    }

    @Test("C9, C14: what a processor pushes upstream for the EndFrame comes out before the session is over")
    func upstreamAtTheEnd() async throws {
        let farewell = Custom { frame, direction, processor in
            if frame is EndFrame { await processor.push(TextFrame("farewell"), .upstream) }
            await processor.push(frame, direction)
        }
        let bench = Bench()
        let session = try bench.session([Delay(20), Drop { _ in false }, farewell])
        try await session.start()
        async let first = session.end()
        async let second = session.end()
        #expect(await [first, second] == [.ended, .ended])
        #expect(bench.allReleased == ["↓StartFrame", "↓EndFrame", "↑farewell"])
    }

    @Test("C11: a fatal error that the EndFrame causes fails the session")
    func fatalAtTheEnd() async throws {
        let failing = Custom { frame, direction, processor in
            if frame is EndFrame {
                await processor.push(ErrorFrame(error: "lost", processor: "x", fatal: true), .upstream)
            }
            await processor.push(frame, direction)
        }
        let bench = Bench()
        let session = try bench.session([Delay(20), failing])
        try await session.start()
        #expect(await session.end() == .failed("lost"))
    }

    @Test("C19: an actor that sends too much waits, and the session stays on its thread", .timeLimit(.minutes(1)))
    func sendingFromAnActor() async throws {
        for time in [PipelineSession.Time.real, .virtual()] {
            let bench = Bench()
            let slow = Acting { frame, direction, processor in
                if frame.text != nil { try await processor.link.clock.sleep(nanoseconds: 50_000) }
                await processor.push(frame, direction)
            }
            let session = try bench.session([IdentityProcessor(), slow], time: time)
            try await session.start()
            let owner = Owner(session)
            try await owner.send(1_000)
            try await owner.sendAndSleep()
            #expect(await session.end() == .ended)
            #expect(bench.released == (0..<1_000).map { "↓\($0)" } + ["↓last"])
        }
    }

    @Test("a frame sent at once from where frames come out is taken in after the release that it came from")
    func sendingFromOutput() async throws {
        let output = Counter()
        let reply = NIOLockedValueBox<PipelineSession?>(nil)
        let session = try PipelineSession(Pipeline([SyncParallelPipeline([[Emit(".1")], [Emit(".2")]])])) { released in
            guard let text = released.frame.text else { return }
            output.add(text)
            if text == "a.1", let session = reply.withLockedValue({ $0 }) {
                Task.immediate { try await session.send(TextFrame("reply")) }
            }
        }
        reply.withLockedValue { $0 = session }
        try await session.start()
        try await session.send(contentsOf: [TextFrame("a"), TextFrame("b")])
        // The reply goes its own way; after this it has been taken in.
        while output.values.count < 6 { await Task.yield() }
        await session.end()
        reply.withLockedValue { $0 = nil }
        #expect(output.values.prefix(2) == ["a.1", "a.2"])
        #expect(output.values.sorted() == ["a.1", "a.2", "b.1", "b.2", "reply.1", "reply.2"])
    }

    // MARK: - Tasks that never let go

    @Test("C17: a task that only yields delays neither a timer nor another branch", .timeLimit(.minutes(1)))
    func yielding() async throws {
        let isSet = NIOLockedValueBox(false)
        let polling = Acting { frame, direction, processor in
            if frame.text != nil { while !isSet.withLockedValue({ $0 }) { await Task.yield() } }
            await processor.push(frame, direction)
        }
        let setting = Acting { frame, direction, processor in
            if frame.text == "clock" {
                try await processor.link.clock.sleep(nanoseconds: 1_000_000)
                isSet.withLockedValue { $0 = true }
            } else if frame.text != nil {
                await Task.detached { isSet.withLockedValue { $0 = true } }.value
            }
            await processor.push(frame, direction)
        }
        let bench = Bench()
        let session = try bench.session([SyncParallelPipeline([[polling], [setting]])], time: .real)
        try await session.start()
        for text in ["elsewhere", "clock"] {
            isSet.withLockedValue { $0 = false }
            try await session.send(TextFrame(text))
            while bench.released.last != "↓" + text { await Task.yield() }
        }
        #expect(await session.end() == .ended)
    }

    @Test("C17: a sender without end delays neither a system frame nor cancellation", .timeLimit(.minutes(1)))
    func endlessSender() async throws {
        let bench = NIOLockedValueBox(0)
        let session = try PipelineSession(Pipeline([IdentityProcessor()])) { released in
            if released.frame.type.frameClass == .system { bench.withLockedValue { $0 += 1 } }
        }
        try await session.start()
        let before = bench.withLockedValue { $0 }
        let sender = Task {
            try await session.send(contentsOf: sequence(first: TextFrame("x") as any Frame) { _ in TextFrame("x") })
        }
        try await session.send(systemFrame())
        while bench.withLockedValue({ $0 }) == before { await Task.yield() }
        #expect(await session.cancel() == .cancelled)
        await #expect(throws: PipelineError.self) { try await sender.value }
    }

    @Test("C12, C17: timers ring while a sender without end keeps processors busy", .timeLimit(.minutes(1)))
    func timersInAFlood() async throws {
        let passing = Acting { frame, direction, processor in await processor.push(frame, direction) }
        let session = try PipelineSession(Pipeline([passing]))
        try await session.start()
        let sender = Task {
            try await session.send(contentsOf: sequence(first: TextFrame("x") as any Frame) { _ in TextFrame("x") })
        }
        for _ in 0..<5 { try await session.clock.sleep(nanoseconds: 1_000_000) }
        #expect(await session.cancel() == .cancelled)
        await #expect(throws: PipelineError.self) { try await sender.value }
    }

    @Test("C10: a processor that cancels the task which calls it cancels no other's call")
    func cancelsItself() async throws {
        let selfish = Acting { frame, direction, processor in
            await processor.push(frame, direction)
            if frame.text == "a" { withUnsafeCurrentTask { $0?.cancel() } }
        }
        let bench = try await Bench.run(
            [selfish, Delay(10), Acting { frame, direction, processor in await processor.push(frame, direction) }],
            [.text("a"), .text("b", at: 50), .text("c", at: 100)])
        #expect(bench.released == ["↓a", "↓b", "↓c"])
        #expect(bench.events(.drop).isEmpty)
    }

    @Test("C9: what never ends behind the EndFrame does not keep a session from ending")
    func stuckUpstreamAtTheEnd() async throws {
        let stuck = Custom { frame, direction, processor in
            if frame.text == "farewell" { try await processor.link.clock.sleep(nanoseconds: .max) }
            await processor.push(frame, direction)
        }
        let farewell = Custom { frame, direction, processor in
            if frame is EndFrame { await processor.push(TextFrame("farewell"), .upstream) }
            await processor.push(frame, direction)
        }
        let bench = Bench()
        let session = try bench.session([stuck, farewell])
        try await session.start()
        #expect(await session.end() == .ended)
        #expect(bench.allReleased == ["↓StartFrame", "↓EndFrame"])
    }

    // MARK: - Times without end

    @Test("a wait for ever ends when it is cancelled, a stall timeout of for ever never", .timeLimit(.minutes(1)))
    func forEver() async throws {
        for time in [PipelineSession.Time.real, .virtual()] {
            let bench = Bench()
            let waiting = Acting { frame, direction, processor in
                if frame.text == "wait" { try await processor.link.clock.sleep(nanoseconds: .max) }
                await processor.push(frame, direction)
            }
            let session = try bench.session([SyncParallelPipeline([[waiting]], stallTimeout: .max)], time: time)
            try await session.start()
            try await session.send(TextFrame("before"))
            while bench.released.isEmpty { await Task.yield() }
            try await session.send(TextFrame("wait"))
            #expect(await session.cancel() == .cancelled)
            #expect(bench.released.first == "↓before")
            #expect(bench.events(.stall).isEmpty)
        }
    }

    @Test("C18: simulated time reaches the end of all waits, and goes on from there")
    func endOfTime() async throws {
        let bench = try await Bench.run(
            [
                Acting { frame, direction, processor in
                    if frame.text == "wait" { try await processor.link.clock.sleep(nanoseconds: .max) }
                    await processor.push(frame, direction)
                }, SyncParallelPipeline([[]]),
            ], [.text("wait"), .text("after")])
        #expect(bench.released == ["↓wait", "↓after"])
    }

    // MARK: - Sessions of the same processors

    @Test("a session that cannot have its processors leaves them to the one that has")
    func secondSession() async throws {
        let cleanups = Counter()
        let processor = Acting(atCleanup: { cleanups.add("cleanup") })
        let bench = Bench()
        let first = try bench.session([processor], time: .real)
        try await first.start()
        await #expect(throws: PipelineError.self) { try await PipelineSession(Pipeline([processor])).start() }
        // One that was never started has nothing to clean up either.
        try await PipelineSession(Pipeline([processor])).end()
        try await PipelineSession(Pipeline([processor])).cancel()
        #expect(cleanups.values.isEmpty)
        try await first.send(TextFrame("after"))
        #expect(await first.end() == .ended)
        #expect(bench.released == ["↓after"])
        #expect(cleanups.values == ["cleanup"])
    }

    @Test("a session that is let go lets go of its processors and its observer", .timeLimit(.minutes(1)))
    func letGo() async throws {
        let kept = Acting()
        weak var processor: Acting?
        weak var observer: Bench?
        do {
            let bench = Bench()
            let other = Acting()
            (observer, processor) = (bench, other)
            let session = try PipelineSession(Pipeline([kept, other]), observer: bench)
            try await session.start()
            try await session.send(TextFrame("a"))
        }
        while processor != nil || observer != nil { await Task.yield() }
        // What was kept can be used again.
        let next = try PipelineSession(Pipeline([kept]))
        try await next.start()
        #expect(await next.end() == .ended)
    }

    @Test("sessions are spread over threads evenly, though each second one is soon gone", .timeLimit(.minutes(1)))
    func threads() async throws {
        var sessions: [PipelineSession] = []
        for _ in 0..<100 {
            weak var scheduler: SessionScheduler?
            do {
                let short = try PipelineSession(Pipeline([IdentityProcessor()]))
                scheduler = short.core.scheduler
                sessions.append(try PipelineSession(Pipeline([IdentityProcessor()])))
            }
            while scheduler != nil { await Task.yield() }
        }
        let counts = Dictionary(grouping: sessions) { ObjectIdentifier($0.core.scheduler.thread) }.values.map(\.count)
        // Other tests have sessions meanwhile.
        #expect(counts.count > 1)
        #expect(counts.allSatisfy { $0 < 80 }, "\(counts)")
    }

    // MARK: - Starts and ends that meet

    @Test("a session ended while it is set up cleans up after that, and runs nothing", arguments: [true, false])
    func endedDuringSetup(byCancel: Bool) async throws {
        let log = Counter()
        let (isSettingUp, mayGoOn) = (Signal(), Signal())
        let processor = Acting(
            atSetup: {
                log.add("setup begins")
                await isSettingUp.give()
                await mayGoOn.wait()
                log.add("setup ends")
            }, atCleanup: { log.add("cleanup") }, action: { frame, _, _ in log.add(frame.type.name) })
        let session = try PipelineSession(Pipeline([processor]))
        let start = Task { try await session.start() }
        await isSettingUp.wait()
        // Begun when this line is over, and waiting.
        let end = Task.immediate { byCancel ? await session.cancel() : await session.end() }
        await mayGoOn.give()
        #expect(await end.value == (byCancel ? .cancelled : .ended))
        let error = await #expect(throws: PipelineError.self) { try await start.value }
        #expect(error?.code == .notRunning)
        #expect(log.values == ["setup begins", "setup ends", "cleanup"])
    }

    @Test("C9: of several calls of end, one sends the EndFrame")
    func severalEnds() async throws {
        for time in [PipelineSession.Time.real, .virtual()] {
            let bench = Bench()
            let session = try bench.session([Acting(), SyncParallelPipeline([[], [Acting()]])], time: time)
            try await session.start()
            await withTaskGroup(of: Void.self) { group in for _ in 0..<8 { group.addTask { await session.end() } } }
            #expect(bench.allReleased == ["↓StartFrame", "↓EndFrame"])
            #expect(bench.events(.drop).isEmpty)
        }
    }

    @Test("C9: end returns though a CancelFrame drops what waits in the stage", .timeLimit(.minutes(1)))
    func cancelFrameDuringEnd() async throws {
        let isHeld = Signal()
        let holding = Acting { frame, direction, processor in
            if frame.text != nil {
                await isHeld.give()
                try await processor.link.clock.sleep(nanoseconds: 3_600_000_000_000)
            }
            await processor.push(frame, direction)
        }
        let session = try PipelineSession(Pipeline([SyncParallelPipeline([[holding]])]))
        try await session.start()
        try await session.send(TextFrame("a"))
        await isHeld.wait()
        // It waits in the stage until the text is through.
        try await session.send(EndFrame())
        try await session.send(CancelFrame())
        #expect(await session.end() == .ended)
    }

    @Test("a frame handed to a stage as its session ends harms nothing")
    func processDuringEnd() async throws {
        for _ in 0..<300 {
            let stage = try SyncParallelPipeline([[IdentityProcessor()], [IdentityProcessor()]])
            let session = try PipelineSession(Pipeline([IdentityProcessor(), stage, IdentityProcessor()]))
            try await session.start()
            let isOver = NIOLockedValueBox(false)
            let feeding = Task.detached {
                while !isOver.withLockedValue({ $0 }) {
                    try await stage.process(TextFrame("x"), direction: .downstream)
                }
            }
            await Task.yield()
            await session.cancel()
            isOver.withLockedValue { $0 = true }
            try await feeding.value
        }
    }

    @Test("C18: a session that a fatal error ends on simulated time is the same every time")
    func fatalError() async throws {
        var traces: Set<[String]> = []
        for _ in 0..<100 {
            let bench = Bench()
            let failing = Acting { frame, direction, processor in
                if frame.text == "1" {
                    await processor.push(ErrorFrame(error: "broken", processor: "p", fatal: true), .upstream)
                }
                await processor.push(frame, direction)
            }
            let session = try bench.session([SyncParallelPipeline([[failing]])])
            try await session.start()
            for number in 0..<6 {
                let frame = session.identity.use { TextFrame("\(number)") }
                // Refused from the failure on.
                try? await session.send(frame)
            }
            #expect(await session.end() == .failed("broken"))
            traces.insert(bench.trace)
        }
        #expect(traces.count == 1)
    }

    @Test("C18: work within external work is a part of it", .timeLimit(.minutes(1)))
    func nestedExternalWork() async throws {
        let bench = try await Bench.run(
            [
                Acting { frame, direction, processor in
                    if frame.text != nil {
                        await processor.link.external { await processor.link.external { await Task.yield() } }
                    }
                    await processor.push(frame, direction)
                }
            ], [.text("a"), .text("b")])
        #expect(bench.released == ["↓a", "↓b"])
    }
}
