internal import ArgumentParser
internal import PipelineEngine
internal import Replay
internal import SessionHistory
internal import Synchronization

struct Replay: WaitingCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Rerun a recorded session through the engine, or play its released frames out in time.",
        discussion: """
            Each stage is run again on simulated time: the recorded frames go in, each branch gives what it gave, when it gave \
            it. In the recorded order this must release what was recorded, frame for frame; otherwise the first difference is \
            shown and the exit code is 1. The other order shows what it would have changed. Every run is kept in the history \
            (views replays and replay_order).

            With --output the released frames are written as JSON lines instead, --rate times as fast as they were recorded.
            """)

    enum Order: String, CaseIterable, ExpressibleByArgument {
        case arrival, pipeline, both
    }

    @OptionGroup var target: SessionArgument

    @Option(
        help: ArgumentHelp(
            "The order to run in: arrival, pipeline or both; else the recorded one and the other.", valueName: "order"))
    var order: Order?

    @Option(
        help: ArgumentHelp("Play the released frames out to this file; - is standard output.", valueName: "file|-"),
        completion: .file())
    var output: String?

    @Option(
        help: ArgumentHelp(
            "How fast to play: 1.0 as recorded, 2 twice as fast, max without waiting.", valueName: "rate"))
    var rate: Rate?

    @Option(help: ArgumentHelp("Play from this many seconds after the session's start.", valueName: "seconds"))
    var startOffset: Double?

    @Flag(help: "Play again and again, until stopped.")
    var loop = false

    @Option(help: ArgumentHelp("Play what this stage released; else the last of the outermost ones.", valueName: "n"))
    var stage: Int?

    @OptionGroup var history: HistoryOptions
    @OptionGroup var speech: SpeechOptions

    func validate() throws {
        if output == nil, rate != nil || startOffset != nil || loop || stage != nil {
            throw ValidationError(
                "--rate, --start-offset, --loop and --stage say how to play; add --output FILE or --output -")
        }
        if output != nil, order == .both {
            throw ValidationError("only one order can be played; give --order arrival or pipeline")
        }
        if let startOffset, !(startOffset >= 0 && startOffset < 1e9) {
            throw ValidationError("--start-offset has to be a number of seconds from 0")
        }
    }

    func run(on terminal: Terminal) async throws -> ExitStatus {
        if let output { return try await play(to: output, on: terminal) }
        let reader = try history.open()
        let session = try target.find(in: reader)
        let writer = try history.open(for: .writing)
        let replay = try SessionReplay(writer, session: session.session)
        let orders: [RecordedOrder] =
            switch order {
            case nil: replay.usefulOrders
            case .arrival: [.arrival]
            case .pipeline: [.pipeline]
            case .both: [.arrival, .pipeline]
            }
        var reports: [ReplayReport] = []
        for order in orders {
            let progress = Mutex(ProgressBar("replaying (\(order.rawValue))", total: session.inbound, on: terminal))
            reports.append(try await replay.run(order) { done in progress.withLock { $0.update(done) } })
            progress.withLock { $0.finish() }
        }
        let view = ReplayView(session: session, definition: replay.definition, reports: reports)
        if speech.json { try terminal.print(view.facts) } else { try terminal.print(view.lines(width: terminal.width)) }
        return ReplayReport.areFaithful(reports) ? .done : .different
    }

    // MARK: - Playing

    private func play(to output: String, on terminal: Terminal) async throws -> ExitStatus {
        let spared = [SparedFile(role: "the history", path: history.path)]
        let history = try history.open()
        let session = try target.find(in: history)
        let replay = try SessionReplay(history, session: session.session)
        if stage != nil { _ = try replay.definition.stages.filter(matching: stage, of: session) }
        let failure = Mutex<OutputStream.Failure?>(nil)
        let sink = try FrameSink(path: output, sparing: spared) { reason in failure.withLock { $0 = reason } }
        try sink.begin()
        let order: RecordedOrder = order == .arrival ? .arrival : order == .pipeline ? .pipeline : .recorded
        let offset = Int64((startOffset ?? 0) * 1e9)
        let played = Atomic(false)
        repeat {
            let began = ContinuousClock.now
            do {
                try await replay.play(
                    order, stage: stage,
                    pace: { time in
                        if let failure = failure.withLock({ $0 }) { throw failure }
                        guard let rate, let factor = rate.factor, time > offset else { return }
                        try await ContinuousClock().sleep(
                            until: began + .nanoseconds(Int64(Double(time - offset) / factor)))
                    },
                    output: { released in
                        if released.time < offset { return }
                        played.store(true, ordering: .relaxed)
                        sink.write(released)
                    })
            } catch let failure as OutputStream.Failure {
                terminal.report("\(failure)")
                return .lossy
            }
            // A session that released nothing is played when its end is reached, but not over and over.
            guard played.load(ordering: .relaxed) || (offset == 0 && !loop) else {
                terminal.report(
                    "nothing was released from \(Quantity.duration(milliseconds: Double(offset) / 1e6)) on: session \(session.session) is "
                        + "\(Quantity.duration(milliseconds: session.durationMs ?? 0)) long; give a smaller --start-offset"
                )
                return .trouble
            }
        } while loop && failure.withLock { $0 == nil }
        if let failure = failure.withLock({ $0 }) {
            terminal.report("\(failure)")
            return .lossy
        }
        return .done
    }
}

/// How fast to play.
struct Rate: ExpressibleByArgument, Equatable {
    /// nil: without waiting.
    let factor: Double?

    init?(argument: String) {
        if argument == "max" {
            factor = nil
            return
        }
        guard let number = Double(argument), number > 0, number.isFinite else { return nil }
        factor = number
    }
}
