import Synchronization
import Testing

@testable import PipelineEngine

@Suite struct ConcurrencyTests {
    /// Blocks until `count` callers are here at the same time, computing all the while.
    private final class Meeting: Sendable {
        private let arrived = Atomic<Int>(0)

        func meet(_ count: Int) {
            arrived.add(1, ordering: .sequentiallyConsistent)
            while arrived.load(ordering: .sequentiallyConsistent) < count {}
        }
    }

    @Test(
        "C17: branches that compute run on different cores: each waits, busily, for the other", .timeLimit(.minutes(1)))
    func cores() async throws {
        let meeting = Meeting()
        let computing = { @Sendable () -> Custom in
            Custom { frame, direction, me in
                if frame.text != nil {
                    await withTaskExecutorPreference(globalConcurrentExecutor) { meeting.meet(2) }
                }
                await me.push(frame, direction)
            }
        }
        let bench = try await Bench.run(
            [try SyncParallelPipeline([[computing()], [computing()]])], time: .real, [.text("a")])
        #expect(bench.released == ["↓a"])
    }

    @Test("C17: a system frame passes while every core of the pool computes", .timeLimit(.minutes(1)))
    func systemFrameWhileComputing() async throws {
        let isDone = Atomic<Bool>(false)
        let bench = Bench()
        let computing = { @Sendable () -> Custom in
            Custom { frame, direction, me in
                if frame.text != nil {
                    await withTaskExecutorPreference(globalConcurrentExecutor) {
                        while !isDone.load(ordering: .relaxed) {}
                    }
                }
                await me.push(frame, direction)
            }
        }
        let session = try PipelineSession(
            Pipeline([try SyncParallelPipeline((0..<4).map { _ in [computing()] })]), observer: bench
        ) { released in
            // Only the system frame, coming out, lets the branches go.
            if released.frame.type.name == "UserStartedSpeakingFrame" { isDone.store(true, ordering: .relaxed) }
        }
        try await session.start()
        try await session.send(
            contentsOf: [
                TextFrame("a"), GenericFrame(FrameType.catalogue["UserStartedSpeakingFrame"]!),
            ] as [any Frame])
        #expect(await session.end() == .ended)
        #expect(bench.outcomes() == [.released, .released])
    }

    @Test("C17: actors, and processors that push from other executors, keep their order", .timeLimit(.minutes(1)))
    func otherExecutors() async throws {
        let elsewhere = Custom { frame, direction, me in
            await withTaskExecutorPreference(globalConcurrentExecutor) {
                if let text = frame.text {
                    for number in 0..<5 { await me.push(TextFrame("\(text)\(number)"), direction) }
                } else {
                    await me.push(frame, direction)
                }
            }
        }
        let bench = try await Bench.run(
            [try SyncParallelPipeline([[elsewhere, Shouting()], []], frameOrder: .pipeline)], time: .real,
            (0..<50).map { _ in .text("x") })
        #expect(bench.released == (0..<50).flatMap { _ in ["↓X0", "↓X1", "↓X2", "↓X3", "↓X4", "↓x"] })
        #expect(bench.events(.late).isEmpty)
    }

    private actor Shouting: FrameProcessor {
        nonisolated let link = ProcessorLink()
        func process(_ frame: any Frame, direction: FrameDirection) async throws {
            guard let text = frame.text else { return await push(frame, direction) }
            await push(TextFrame(text.uppercased()), direction)
        }
    }

    @Test("many sessions at once, in real time, each whole and in order", .timeLimit(.minutes(1)))
    func manySessions() async throws {
        try await withThrowingTaskGroup(of: [String].self) { group in
            for session in 0..<40 {
                group.addTask {
                    let stage = try SyncParallelPipeline([[Delay(1)], [Emit(" e")]], frameOrder: .pipeline)
                    return try await Bench.run([stage], time: .real, (0..<10).map { .text("\(session).\($0)") })
                        .released
                }
            }
            var sessions = 0
            for try await released in group {
                sessions += 1
                let first = released.first?.dropFirst().split(separator: ".").first ?? ""
                #expect(released == (0..<10).flatMap { ["↓\(first).\($0)", "↓\(first).\($0) e"] })
            }
            #expect(sessions == 40)
        }
    }
}

@Suite struct DeterminismTests {
    private func run(seed: UInt64?) async throws -> [String] {
        let inner = try SyncParallelPipeline([[Delay(7)], [Emit(" a", " b")]])
        let stage = try SyncParallelPipeline([
            [Delay(10), Emit(" 1")], [Custom { frame, direction, me in await me.push(frame, direction) }],
            [Emit(" 2", " 3"), Delay(5)], [inner],
        ])
        let input: [Input] = (0..<20).map { .text("t\($0)", at: Int64($0 * 8)) }
        let interruption = Input.frame(at: 200) { InterruptionFrame() }
        return try await Bench.run([stage], time: .virtual(seed: seed), input + [interruption, .text("z")]).trace
    }

    @Test(
        "C18: the same session, definition and seed give the same events, ids and times, every time",
        arguments: [nil, 1, 2])
    func same(seed: UInt64?) async throws {
        let first = try await run(seed: seed)
        #expect(first.count > 200)
        for _ in 0..<10 {
            let again = try await run(seed: seed)
            let difference = zip(first, again).first { $0 != $1 }
            #expect(again == first, "first difference: \(String(describing: difference))")
        }
    }

    @Test("C18: seeds explore other orders of what happens at one moment")
    func seeds() async throws {
        var traces: Set<[String]> = []
        for seed in UInt64(0)..<10 { traces.insert(try await run(seed: seed)) }
        #expect(traces.count > 1)
    }

    @Test("C18: simulated time waits for outside work, and takes its results in the order of its beginning")
    func externals() async throws {
        let outside = { @Sendable (milliseconds: UInt64) in
            Custom { frame, direction, me in
                if frame.text != nil {
                    await me.link.external { try? await Task.sleep(nanoseconds: milliseconds * 1_000_000) }
                }
                await me.push(frame, direction)
            }
        }
        let stage = try SyncParallelPipeline([[outside(20), Emit(" 0")], [outside(1), Emit(" 1")], [Delay(5)]])
        let bench = try await Bench.run([stage], [.text("a")])
        #expect(bench.released == ["↓a 0", "↓a 1", "↓a"])
        #expect(bench.events(.sync).filter { $0.batch == 1 }.map { $0.time / 1_000_000 } == [0, 0, 5])
    }
}

@Suite struct BackpressureTests {
    @Test("C19: a stage that is stuck takes a bounded number of frames, then its input waits")
    func bounded() async throws {
        let taken = Counter()
        let gate = Custom { frame, direction, me in
            if frame.text != nil { try await me.link.clock.sleep(nanoseconds: 1_000_000) }
            await me.push(frame, direction)
        }
        let source = Custom { frame, direction, me in
            guard frame.text != nil else { return await me.push(frame, direction) }
            for number in 0..<1_000 {
                await me.push(TextFrame("\(number)"))
                taken.add("\(me.link.clock.now / 1_000_000)")
            }
        }
        let bench = try await Bench.run([source, try SyncParallelPipeline([[gate]])], [.text("go")])
        #expect(bench.released.count == 1_000)
        let atOnce = taken.values.filter { $0 == "0" }.count
        #expect(atOnce >= 100 && atOnce <= 200, "\(atOnce) were taken before time passed")
    }

    @Test(
        "C19: the session's input waits while the pipeline is full or the observer is congested",
        .timeLimit(.minutes(1)))
    func input() async throws {
        let observer = Congested()
        let session = try PipelineSession(
            Pipeline([try SyncParallelPipeline([[]])]), time: .virtual(), observer: observer)
        try await session.start()
        for number in 0..<100 { try await session.send(TextFrame("\(number)")) }
        #expect(await session.end() == .ended)
        #expect(observer.waits.count > 5)
    }

    /// Says that it is congested after every ten events.
    private final class Congested: SessionObserver {
        let waits = Counter()
        private let pending = Atomic<Int>(0)

        func observe(_ event: SessionEvent) { pending.add(1, ordering: .relaxed) }
        var isCongested: Bool { pending.load(ordering: .relaxed) >= 10 }
        func waitWhileCongested() async {
            waits.add("wait")
            pending.store(0, ordering: .relaxed)
        }
    }

    @Test("C19: processors that never wait do not run ahead of a full neighbour")
    func immediate() async throws {
        let bench = try await Bench.run(
            [Emit(" 1", " 2", " 3"), Emit(" x", " y"), try SyncParallelPipeline([[Delay(1)]])],
            (0..<300).map { .text("\($0)") })
        #expect(bench.released.count == 1_800)
        #expect(bench.released.prefix(2) == ["↓0 1 x", "↓0 1 y"])
    }
}
