import NIOConcurrencyHelpers
import Testing

@testable import PipelineEngine

/// Sessions in real time in which all happens at once: processors that wait, throw, interrupt, push from elsewhere, senders side by side,
/// ends of every kind. What they do is random, and so is when; under the sanitizers they find what tests of one thing at a time do not.
@Suite struct StormTests {
    @Test(
        "C3, C10, C17: whatever happens at once, each batch begins and ends once, in order", .timeLimit(.minutes(2)),
        arguments: 1...60 as ClosedRange<UInt64>)
    func storm(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<10 { try await run(&random) }
    }

    private enum End: CaseIterable { case ended, cancelled, both, letGo }

    private func run(_ random: inout SplitMix64) async throws {
        let bench = Bench()
        let (words, signals) = (random.next(), random.next())
        let end = End.allCases.randomElement(using: &random) ?? .ended
        var session: PipelineSession? = try bench.session(Self.processors(&random, depth: 1), time: .real)
        guard let running = session else { return }
        try await running.start()
        async let wordsSent: Void = Self.sendWords(to: running, seed: words)
        async let signalsSent: Void = Self.sendSignals(to: running, seed: signals)
        switch end {
        case .ended:
            _ = await (wordsSent, signalsSent)
            #expect(await running.end() == .ended)
        case .cancelled:
            try await running.clock.sleep(nanoseconds: Int64.random(in: 0...2_000_000, using: &random))
            #expect(await running.cancel() == .cancelled)
        case .both:
            async let first = running.end()
            async let second = running.cancel()
            #expect(await first == second)
        case .letGo: break
        }
        _ = await (wordsSent, signalsSent)
        session = nil
        expectOrder(bench.events, isWhole: end == .ended)
    }

    private func expectOrder(_ events: [SessionEvent], isWhole: Bool) {
        var begun: [Int: Int64] = [:]
        var ended: [Int: Int64] = [:]
        for (index, event) in events.enumerated() {
            #expect(event.sequence == Int64(index + 1))
            #expect(event.subject < event.sequence)
            if event.kind == .inbound {
                #expect(
                    event.batch == begun[event.stage, default: 0] + 1, "a batch begins when the one before has ended")
                #expect(begun[event.stage, default: 0] == ended[event.stage, default: 0])
                begun[event.stage] = event.batch
            }
            if event.outcome != nil {
                #expect(event.batch == begun[event.stage] && event.batch == ended[event.stage, default: 0] + 1)
                ended[event.stage] = event.batch
            }
        }
        if isWhole { #expect(begun == ended) }
    }

    // MARK: - What happens

    private static func processors(_ random: inout SplitMix64, depth: Int) -> [any FrameProcessor] {
        var processors: [any FrameProcessor] = []
        for _ in 0..<Int.random(in: 0...1, using: &random) { processors.append(Restless(seed: random.next())) }
        var branches: [[any FrameProcessor]] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            var branch: [any FrameProcessor] = []
            for _ in 0..<Int.random(in: 0...2, using: &random) { branch.append(Restless(seed: random.next())) }
            if depth > 0, Int.random(in: 0..<4, using: &random) == 0 {
                branch += Self.processors(&random, depth: depth - 1)
            }
            branches.append(branch)
        }
        if let stage = try? SyncParallelPipeline(
            branches, frameOrder: .allCases.randomElement(using: &random) ?? .arrival)
        {
            processors.append(stage)
        }
        return processors + [Restless(seed: random.next())]
    }

    private static func sendWords(to session: PipelineSession, seed: UInt64) async {
        var random = SplitMix64(seed: seed)
        for number in 0..<40 {
            let direction: FrameDirection = Int.random(in: 0..<10, using: &random) == 0 ? .upstream : .downstream
            guard (try? await session.send(TextFrame("\(number)"), direction)) != nil else { return }
        }
    }

    private static func sendSignals(to session: PipelineSession, seed: UInt64) async {
        var random = SplitMix64(seed: seed)
        for _ in 0..<8 {
            try? await session.clock.sleep(nanoseconds: Int64.random(in: 0...400_000, using: &random))
            let frame: any Frame =
                Bool.random(using: &random)
                ? InterruptionFrame() : GenericFrame(FrameType.known("UserStartedSpeakingFrame") ?? .systemFrame)
            guard (try? await session.send(frame)) != nil else { return }
        }
    }

    /// Does something else with each text.
    private final class Restless: FrameProcessor {
        let link = ProcessorLink()
        private let random: NIOLockedValueBox<SplitMix64>

        init(seed: UInt64) { random = NIOLockedValueBox(SplitMix64(seed: seed)) }

        func process(_ frame: any Frame, direction: FrameDirection) async throws {
            let chance = random.withLockedValue { Int.random(in: 0..<24, using: &$0) }
            guard let text = frame.text else {
                if frame.type.frameClass == .system, chance < 6, !(frame is StartFrame) { await Task.yield() }
                return await push(frame, direction)
            }
            switch chance {
            case 0, 1: try await link.clock.sleep(nanoseconds: Int64(chance) * 150_000)
            case 2, 3: for _ in 0..<chance { await Task.yield() }
            case 4: return
            case 5: throw TestError(description: text)
            case 6: for _ in 0..<3 { await push(TextFrame(text + "+"), direction) }
            case 7: await push(TextFrame(text + "^"), direction == .upstream ? .downstream : .upstream)
            case 8: await Task.detached { await self.push(TextFrame(text + "*"), direction) }.value
            case 9:
                await withTaskExecutorPreference(globalConcurrentExecutor) {
                    await push(TextFrame(text + "~"), direction)
                }
            case 10: await push(InterruptionFrame(), direction)
            case 11: withUnsafeCurrentTask { $0?.cancel() }
            default: break
            }
            await push(frame, direction)
        }
    }
}
