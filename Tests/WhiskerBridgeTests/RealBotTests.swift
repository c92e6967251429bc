import Foundation
import PipelineEngine
import Testing

@testable import WhiskerBridge

/// Real Pipecat bots, recorded live while they run.
@Suite(.serialized, .timeLimit(.minutes(3))) struct RealBotTests {
    private static func client(
        _ bot: RealBot, _ change: (inout WhiskerClient.Options) -> Void = { _ in }
    ) throws -> WhiskerClient {
        var options = WhiskerClient.Options()
        options.reconnectWindow = .zero
        change(&options)
        return try WhiskerClient("ws://127.0.0.1:\(bot.port)", options)
    }

    private static func record(_ client: WhiskerClient) async throws -> [Interpreted] {
        var steps: [WhiskerStep] = []
        try await client.run { steps.append($0) }
        return Interpreted.sessions(steps)
    }

    @Test(arguments: ["two-branches", "two-branches-pipeline", "nested", "workers"])
    func aHealthyBotIsRecordedAsItsProcessSawIt(_ name: String) async throws {
        // Long enough for the server to send all but the EndFrame, with which it stops.
        let bot = try await RealBot.start(name, "--await-client", "--linger", "1")
        let sessions = try await Self.record(Self.client(bot))
        let session = try #require(sessions.first)
        #expect(sessions.count == 1)
        #expect(session.summary?.ending == .complete)
        #expect(session.findingLines == [])
        let truth = try bot.released()
        for stage in session.definition.stages {
            let left = session.left(stage.number)
            #expect(truth[stage.name]?.starts(with: left) == true, "\(left)")
            #expect(left.count >= (truth[stage.name]?.count ?? 0) - 1, "all but the tail that Whisker loses")
        }
        #expect(session.summary?.batchesWithoutHead == 0, "Whisker tells its first client all from the start")
        if name == "two-branches-pipeline" { #expect(session.definition.stages[0].frameOrder == .pipeline) }
    }

    /// Records until `isEnough` says so of a step, and then for as long as a hang takes to be one.
    private static func record(
        _ client: WhiskerClient, until isEnough: @escaping @Sendable (WhiskerStep) -> Bool,
        then act: @escaping @Sendable () -> Void = {}, for extra: Duration = .zero
    ) async throws -> [Interpreted] {
        let (signal, reached) = AsyncStream<Void>.makeStream()
        let recording = Task {
            var steps: [WhiskerStep] = []
            try await client.run { step in
                steps.append(step)
                if isEnough(step) { reached.finish() }
            }
            reached.finish()
            return Interpreted.sessions(steps)
        }
        for await _ in signal {}
        try await Task.sleep(for: extra)
        act()
        if extra > .zero { recording.cancel() }
        return try await recording.value
    }

    private static func isEvent(_ step: WhiskerStep, _ kind: SessionEvent.Kind, _ frame: String) -> Bool {
        guard case .event(let event) = step else { return false }
        return event.kind == kind && event.frame?.name == frame
    }

    @Test func aBotThatHangsIsFoundOutLive() async throws {
        let bot = try await RealBot.start("row-7", "--await-client", "--linger", "60")
        let sessions = try await Self.record(
            Self.client(bot), until: { Self.isEvent($0, .output, "LLMTextFrame#1") }, for: .milliseconds(500))
        let session = try #require(sessions.first)
        #expect(session.summary?.ending == .stopped)
        #expect(session.findingLines == ["sync-missing s0 b1 branch 1 TextFrame#0"])
        #expect(session.defects.first?.detail.contains("Swallow#0 was the last to have it") == true)
        #expect(session.summary?.openBatches == 1)
    }

    @Test func aBotThatIsKilledMidBatchLeavesASessionThatSaysSo() async throws {
        let bot = try await RealBot.start("killed", "--await-client")
        let sessions = try await Self.record(
            Self.client(bot), until: { Self.isEvent($0, .output, "LLMTextFrame#0") }, then: { bot.kill() })
        let session = try #require(sessions.first)
        #expect(sessions.count == 1)
        guard case .lost(let loss) = session.summary?.ending else {
            Issue.record("it ended \(String(describing: session.summary?.ending))")
            return
        }
        #expect(loss.message.contains("the bot was killed"))
        #expect(session.summary?.openBatches == 1)
        #expect(session.summary?.losses.isEmpty == false)
        var assembler = BatchAssembler()
        for event in session.events { _ = assembler.add(event) }
        let open = try #require(assembler.unfinished().first)
        #expect(open.outcome == nil)
        #expect(open.inbound?.frame?.name == "TextFrame#0")
        #expect(open.outputs.map { session.frame($0) } == ["LLMTextFrame#0"])
        let said = session.defects.filter { $0.kind == .recordingIncomplete || $0.kind == .syncMissing }
        #expect(said.contains { $0.stage == 0 && $0.batch == 1 && $0.detail.contains("Emit#0") }, "\(session.defects)")
        #expect(said.contains { $0.stage == -1 })
    }

    private static func isFar(_ step: WhiskerStep) -> Bool {
        if case .event(let event) = step { event.batch >= 5 } else { false }
    }

    @Test func aLaterClientSeesWhatHappensFromThenOn() async throws {
        let bot = try await RealBot.start("forever")
        let first = try #require(
            await Self.record(Self.client(bot), until: Self.isFar, for: .milliseconds(1)).first)
        #expect(first.summary?.batchesWithoutHead == 0, "the first is told all from the start")
        let later = try #require(
            await Self.record(Self.client(bot), until: Self.isFar, for: .milliseconds(1)).first)
        // The server may first send what it had not sent to the first client: then records are missing behind it.
        let gaps: Int64 = (later.summary?.missingRecords ?? 0) > 0 ? 1 : 0
        #expect((later.summary?.batchesWithoutHead ?? 0) <= 1 + gaps)
        let truth = try #require(bot.released()["SyncParallelPipeline#0"])
        #expect(truth.starts(with: first.left(0)))
        #expect(later.left(0).count >= 5)
        #expect(truth.hasInOrder(later.left(0)))
        if gaps == 0 { #expect(truth.hasPart(later.left(0))) }
    }

    @Test func aBotsNextLifeIsASessionOfItsOwn() async throws {
        let bot = try await RealBot.start("forever")
        let client = try Self.client(bot) { $0.waits = true }
        let (signals, reached) = AsyncStream<Void>.makeStream()
        let recording = Task {
            var steps: [WhiskerStep] = []
            try await client.run { step in
                steps.append(step)
                if case .event(let event) = step, event.batch == 5, event.kind == .inbound { reached.yield() }
            }
            return Interpreted.sessions(steps)
        }
        var lives = [bot]
        for await _ in signals {
            if lives.count == 2 { break }
            bot.kill()
            lives.append(try await RealBot.start("forever", port: bot.port))
        }
        recording.cancel()
        let sessions = try await recording.value
        #expect(sessions.count == 2)
        for (session, life) in zip(sessions, lives) {
            let truth = try #require(life.released()["SyncParallelPipeline#0"])
            #expect(truth.starts(with: session.left(0)))
            #expect(session.left(0).count >= 5)
        }
        guard case .lost = sessions.first?.summary?.ending else {
            Issue.record("the first life was not lost")
            return
        }
        #expect(sessions.last?.summary?.ending == .stopped)
    }

    @Test(
        arguments: [
            ([], [FrameOrder.arrival], []), (["--order", "pipeline"], [.pipeline], []),
            (["--user-speaks"], [.arrival], [.systemFrameDuplicated]), (["--broken"], [nil], [.syncMissing]),
        ] as [([String], [FrameOrder?], Set<Finding.Kind>)])
    func theSampleIsRecordedAsItsPageSays(
        _ options: [String], _ orders: [FrameOrder?], _ kinds: Set<Finding.Kind>
    ) async throws {
        let bot = try await RealBot.sample(options + ["--pause", "0.1"])
        let client = try Self.client(bot) { $0.waits = true }
        var steps: [WhiskerStep] = []
        try await client.run { step in
            steps.append(step)
            if case .ended = step { withUnsafeCurrentTask { $0?.cancel() } }
        }
        let session = try Interpreted(steps)
        #expect(session.summary?.ending == .complete)
        #expect(session.definition.stages.map(\.frameOrder) == orders)
        #expect(session.definition.stages[0].branches.map(\.name) == ["Draw#0", "Speak#0"])
        #expect(Set(session.defects.map(\.kind)) == kinds)
        #expect(session.summary?.batchesWithoutHead == 0)
        guard !kinds.contains(.syncMissing) else { return }
        #expect(session.left(0).filter { $0.hasPrefix("OutputImageRawFrame#") }.count == 12)
        #expect(session.left(0).contains { $0.hasPrefix("TTSAudioRawFrame#") })
    }

    /// Any number of others: LOCKSTEP_RANDOM_BOTS=500 LOCKSTEP_RANDOM_SEED=7. LOCKSTEP_RANDOM_FOLDER holds those that
    /// random_bots.py has recorded already.
    @Test(.timeLimit(.minutes(60))) func randomBotsAreInterpretedAsTheirProcessSawThem() throws {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["LOCKSTEP_RANDOM_BOTS"].flatMap { Int($0) } ?? 12
        let seed = environment["LOCKSTEP_RANDOM_SEED"].flatMap { Int($0) } ?? 1
        let recorded = environment["LOCKSTEP_RANDOM_FOLDER"].map { URL(filePath: $0) }
        let folder = recorded ?? FileManager.default.temporaryDirectory.appending(path: "lockstep-\(UUID())")
        defer { if recorded == nil { try? FileManager.default.removeItem(at: folder) } }
        if recorded == nil {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            _ = try RealBot.python("random_bots.py", "\(count)", "\(seed)", folder.path)
        }
        for number in 0..<count {
            struct Facts: Decodable {
                var orders: [String: String]
                var healthy: Bool
            }
            let base = folder.appending(path: "\(number)")
            let facts = try JSONDecoder().decode(
                Facts.self, from: Data(contentsOf: base.appendingPathExtension("json")))
            let lines = try BotLine.read(base.appendingPathExtension("jsonl"))
            let session = try Interpreted(Array(Data(contentsOf: base.appendingPathExtension("whisk"))))
            let comment = Comment(rawValue: "bot \(seed + number), \(facts)")
            session.expectOutputsAndBatches(asSeen: lines)
            for stage in session.definition.stages {
                let order = facts.orders[stage.name].flatMap { FrameOrder(rawValue: $0) }
                #expect(stage.frameOrder == nil || stage.frameOrder == order, comment)
                let left = lines.filter { $0.stage == stage.name && $0.what == "out" }
                    .map { ($0.direction == "upstream" ? "^" : "") + $0.frame }
                #expect(left.starts(with: session.left(stage.number)), comment)
            }
            if facts.healthy { #expect(session.findingLines == [], comment) }
        }
    }

    @Test func whatIsExportedIsReadByPythonsMessagePackAsWhiskersRecords() async throws {
        let session = try Interpreted(Recording.named("row-9").bytes)
        var writer = WhiskWriter(
            definition: session.definition, source: session.source ?? WhiskerSource(), findings: session.findings)
        let bytes = writer.header() + session.events.flatMap { writer.write($0) }
        let file = FileManager.default.temporaryDirectory.appending(path: "lockstep-\(UUID()).whisk")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let answer = try RealBot.python("check_whisk.py", file.path)
        #expect(answer == "ok \(session.definition.stages.count) stages\n")
    }
}
