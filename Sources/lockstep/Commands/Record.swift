internal import ArgumentParser
internal import PipelineEngine
internal import PipelineFiles
internal import Recording
internal import SessionHistory

struct Record: WaitingCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Run a pipeline and record the session, or record a running Pipecat bot.",
        discussion: """
            With --pipeline: frames come in as JSON lines: {"type": "TextFrame", "text": "hello", "at_ms": 120}. Released frames go out as JSON \
            lines the moment they are released. '-' is standard input or output, so it works in a pipe. Without --input only \
            the session's own StartFrame and EndFrame go through.

            When the history cannot be written any more, because the disk is full or gone, the session is stopped and the error says so; \
            --on-storage-error continue runs it to its end unrecorded. Exits with 3 in both cases. With --write-ahead no frame \
            goes out before what happened up to its release is committed, and with --durability full on the disk.

            SIGINT, SIGTERM and SIGHUP end the session in order: it is closed as interrupted, and nothing recorded is lost.

            With --whisker: records a bot through Whisker, Pipecat's debugger, until it ends, --duration is up, or SIGINT. \
            Exits with 3 if something of it is missing.
            """)

    @Option(
        help: ArgumentHelp("The pipeline to run, a YAML file.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var pipeline: String?

    @Option(
        help: ArgumentHelp(
            "The bot to record: ws://HOST:PORT or wss://HOST:PORT of its WhiskerServer.", valueName: "address"))
    var whisker: String?

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

    @Option(
        help: ArgumentHelp(
            "What a loss of power may cost: normal, the last commits; full, nothing that was committed.",
            valueName: "normal|full"))
    var durability = DurabilityChoice.normal

    @Flag(help: "Release a frame only when its events are committed: nothing that went out is missing after a crash.")
    var writeAhead = false

    @Option(
        help: ArgumentHelp(
            "When the history cannot be written any more: stop the session, or continue it unrecorded.",
            valueName: "stop|continue"))
    var onStorageError = StorageErrorChoice.stop

    @Flag(help: "With --whisker: wait for a bot that is not there yet, and for its next life; each is a session.")
    var wait = false

    @Option(help: ArgumentHelp("With --whisker: record no longer than this, in seconds.", valueName: "seconds"))
    var duration: Double?

    @Option(
        help: ArgumentHelp("With --whisker: the certificates to trust for wss, a PEM file.", valueName: "file"),
        completion: .file(extensions: ["pem"]))
    var certificates: String?

    @OptionGroup var content: ContentOptions
    @OptionGroup var history: HistoryOptions
    @OptionGroup var speech: SpeechOptions

    func validate() throws {
        if (pipeline == nil) == (whisker == nil) {
            throw ValidationError("give --pipeline FILE to run a pipeline, or --whisker ADDRESS to record a bot")
        }
        if whisker != nil, input != nil || output != nil || virtualClock {
            throw ValidationError("--input, --output and --virtual-clock are for --pipeline; a bot has its own")
        }
        if whisker != nil, writeAhead || onStorageError != .stop {
            throw ValidationError(
                "--write-ahead and --on-storage-error are for --pipeline; a bot runs by itself, recorded or not")
        }
        if pipeline != nil, wait || duration != nil || certificates != nil {
            throw ValidationError("--wait, --duration and --certificates are for --whisker")
        }
        if let duration, !(duration > 0 && duration < 1e9) {
            throw ValidationError("--duration has to be a number of seconds above 0")
        }
    }

    func run(on terminal: Terminal) async throws -> ExitStatus {
        if let whisker { return try await record(bot: whisker, on: terminal) }
        guard let pipeline else { throw ValidationError("give --pipeline FILE") }
        return try await record(pipeline: pipeline, on: terminal)
    }

    private func record(pipeline path: String, on terminal: Terminal) async throws -> ExitStatus {
        // Everything that can be wrong with the request is found before the history is touched.
        let description = try PipelineDescription.read(path: path)
        let frames = try input.map { try FrameInput(path: $0, types: description.types) }
        let pipeline = try description.build(order: order?.frameOrder)
        let stop = StopRequest()
        let spared =
            [SparedFile(role: "the history", path: history.path), SparedFile(role: "the pipeline's file", path: path)]
            + (input.map { [SparedFile(role: "the input", path: $0)] } ?? [])
        let sink = try output.map { output in
            try FrameSink(path: output, sparing: spared) { stop.request(.outputFailed($0)) }
        }

        let history = try history.open(for: .writing, options: options)
        let policy = onStorageError
        let line = LiveLine(on: terminal)
        let recorder = try await SessionRecorder.start(
            in: history, definition: try pipeline.definition, name: name ?? description.name, source: path,
            payload: content.payload.mode,
            onFailure: { error in
                if policy == .stop { return stop.request(.recordingFailed(error)) }
                line.note("warning: \(error). The session goes on unrecorded")
            }, onNotice: { line.note("warning: \($0)") })
        try sink?.begin()
        let write: @Sendable (ReleasedFrame) -> Void = { released in sink?.write(released) }
        let held =
            writeAhead
            ? recorder.holdReleases(afterFailure: policy == .stop ? .withhold : .deliver, deliver: write) : nil
        let session = try PipelineSession(
            pipeline, time: virtualClock ? .virtual() : .real, observer: recorder,
            output: { released in
                if let held { held.add(released) } else { write(released) }
                // The session ends by itself, but not the wait for more input.
                if let error = released.frame as? ErrorFrame, error.fatal { stop.request(.failed(error.error)) }
            })
        let signals = StopSignals { stop.request(.signalled($0)) }
        let ending = await LiveRun(session: session, input: frames, sink: sink, held: held, stop: stop).run()
        if let reason = ending.reasonOfFailure {
            // What the history cannot take now, closing says.
            try? history.add([.sessionFailed(reason, keeping: content.payload.mode)], to: recorder.session)
        }
        let closing = await Result { try await recorder.close(state: ending.state) }
        withExtendedLifetime(signals) {}

        let status = say(ending, sink, on: terminal)
        if case .failure(let error) = closing {
            let lost = "\(Quantity.count(recorder.uncommittedEvents, "event is", "events are")) not in the history"
            let kept = held.map { $0.withheld }.flatMap { $0 > 0 ? $0 : nil }.map {
                ", \(Quantity.count($0, "released frame was", "released frames were")) withheld for that"
            }
            // What went wrong was said when it did, or is said now.
            switch ending {
            case .recordingFailed: terminal.report("the session was stopped: \(lost)\(kept ?? "")")
            case _ where policy == .continue: terminal.report("\(lost), since it could not be written any more")
            default: terminal.report("\(error); \(lost)\(kept ?? "")")
            }
            if case .signalled = ending { return status }
            return .lossy
        }
        try say(history.session("\(recorder.session)"), on: terminal)
        return status
    }

    var options: WriterOptions { WriterOptions(durability: durability.durability, limits: content.limits) }

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
            return .lossy
        case .failed(let message):
            terminal.report(message)
            return .trouble
        }
    }

    private func say(_ session: SessionSummary, on terminal: Terminal) throws {
        if !speech.json {
            terminal.note(session.line)
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

/// What a loss of power may cost, as users name it.
enum DurabilityChoice: String, CaseIterable, ExpressibleByArgument {
    case normal, full

    var durability: WriterOptions.Durability { self == .full ? .full : .normal }
}

/// What a storage error does to the session, as users name it.
enum StorageErrorChoice: String, CaseIterable, ExpressibleByArgument {
    case stop, `continue`
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

extension LiveRun.Ending {
    /// Why the session did not come to its end, as far as its history can know.
    fileprivate var reasonOfFailure: String? {
        switch self {
        case .badInput(let problem): "\(problem)"
        case .failed(let message): message
        case .ended, .signalled, .outputFailed, .recordingFailed: nil
        }
    }
}

extension SessionHistory.Finding {
    /// That a session failed, and why, as far as `mode` keeps words.
    fileprivate static func sessionFailed(_ reason: String, keeping mode: PayloadMode) -> Self {
        Self(
            kind: PipelineEngine.Finding.Kind.sessionFailed.rawValue, severity: .error,
            detail: mode.keepsWords ? reason : "the session failed; why is not kept")
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
