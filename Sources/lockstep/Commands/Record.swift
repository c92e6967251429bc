internal import ArgumentParser
internal import PipelineEngine
internal import PipelineFiles
internal import Recording
internal import SessionHistory

struct Record: SpeakingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a pipeline and record the session.",
        discussion: """
            Frames come in as JSON lines: {"type": "TextFrame", "text": "hello", "at_ms": 120}. Released frames go out as JSON \
            lines the moment they are released. '-' is standard input or output, so it works in a pipe. Without --input only \
            the session's own StartFrame and EndFrame go through.

            SIGINT and SIGTERM end the session in order: it is closed as interrupted, and nothing recorded is lost.
            """)

    @Option(
        help: ArgumentHelp("The pipeline, a YAML file.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var pipeline: String

    @Option(
        help: ArgumentHelp("Where frames come from; - is standard input.", valueName: "file|-"), completion: .file())
    var input: String?

    @Option(
        help: ArgumentHelp("Where released frames go; - is standard output.", valueName: "file|-"), completion: .file())
    var output: String?

    @Option(help: ArgumentHelp("Overrides the frame order of every stage.", valueName: "arrival|pipeline"))
    var order: OrderChoice?

    @Option(help: ArgumentHelp("The session's name; else the pipeline's.", valueName: "name"))
    var name: String?

    @Flag(help: "Run on simulated time: the same result every time, and no waiting.")
    var virtualClock = false

    @OptionGroup var history: HistoryOptions
    @OptionGroup var speech: SpeechOptions

    func run(on terminal: Terminal) async throws -> ExitStatus {
        // Everything that can be wrong with the request is found before the history is touched.
        let description = try PipelineDescription.read(path: pipeline)
        let frames = try input.map { try FrameInput(path: $0, types: description.types) }
        let pipeline = try description.build(order: order?.frameOrder)
        let stop = StopRequest()
        let sink = try output.map { try FrameSink(path: $0) { stop.request(.outputFailed($0)) } }

        let history = try history.open(for: .writing)
        let recorder = try await SessionRecorder.start(
            in: history, definition: try pipeline.definition, name: name ?? description.name, source: self.pipeline
        ) { stop.request(.recordingFailed($0)) }
        let session = try PipelineSession(
            pipeline, time: virtualClock ? .virtual() : .real, observer: recorder,
            output: { released in
                sink?.write(released)
                // The session ends by itself, but not the wait for more input.
                if let error = released.frame as? ErrorFrame, error.fatal { stop.request(.failed(error.error)) }
            })
        let signals = StopSignals { stop.request(.signalled($0)) }
        let ending = await LiveRun(session: session, input: frames, sink: sink, stop: stop).run()
        let closing = await Result { try await recorder.close(state: ending.state) }
        withExtendedLifetime(signals) {}

        let status = say(ending, sink, on: terminal)
        if case .recordingFailed = ending { return status }
        try closing.get()
        try say(history.session("\(recorder.session)"), on: terminal)
        return status
    }

    /// Says why the run did not end by itself.
    private func say(_ ending: LiveRun.Ending, _ sink: FrameSink?, on terminal: Terminal) -> ExitStatus {
        switch ending {
        case .ended: return .done
        case .signalled(let signal): return .signalled(signal)
        case .badInput(let problem):
            terminal.report("\(problem)")
            return .trouble
        case .outputFailed(let failure):
            let lost = Quantity.count(sink?.lost ?? 0, "released frame was", "released frames were")
            terminal.report("\(failure); the session was stopped, \(lost) not written")
            return .lossy
        case .recordingFailed(let error):
            terminal.report("\(error)")
            return .trouble
        case .failed(let message):
            terminal.report(message)
            return .trouble
        }
    }

    private func say(_ session: SessionSummary, on terminal: Terminal) throws {
        if !speech.json {
            terminal.note(
                StyledText(session.title, .bold)
                    + StyledText(
                        " · \(session.state.rawValue) · \(Quantity.count(session.inbound)) in · "
                            + "\(Quantity.count(session.released)) released", .dim))
        } else if output == "-" {
            terminal.note(StyledText(session.facts.text))
        } else {
            try terminal.print(session.facts)
        }
    }
}

/// A frame order, as users name it.
enum OrderChoice: String, CaseIterable, ExpressibleByArgument {
    case arrival, pipeline

    var frameOrder: FrameOrder { self == .arrival ? .arrival : .pipeline }
}

extension LiveRun.Ending {
    /// The state in which the session is closed.
    fileprivate var state: SessionState {
        switch self {
        case .ended: .complete
        // Nothing of it is lost; but it was stopped in the middle of its input.
        case .signalled, .outputFailed: .interrupted
        case .badInput, .recordingFailed, .failed: .failed
        }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}

extension Pipeline {
    /// Its stages and branches, as a session of it numbers them.
    fileprivate var definition: SessionDefinition {
        get throws { try PipelineSession(self).definition }
    }
}
