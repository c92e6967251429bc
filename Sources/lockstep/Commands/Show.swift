internal import ArgumentParser
internal import PipelineEngine
internal import SessionHistory

struct Show: SpeakingCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one session: what it ran, how its branches did, or one batch in time.")

    @OptionGroup var target: SessionArgument

    @Option(help: ArgumentHelp("Draw this batch of the stage in time.", valueName: "n"))
    var batch: Int64?

    @Option(help: ArgumentHelp("Only this stage; with --batch the stage that counts it (default 0).", valueName: "n"))
    var stage: Int?

    @Flag(help: "With --batch: show every event; else long runs of frames that are alike are folded.")
    var all = false

    @OptionGroup var history: HistoryOptions
    @OptionGroup var speech: SpeechOptions

    func validate() throws {
        if let batch, batch < 1 { throw ValidationError("batches count from 1") }
    }

    func run(on terminal: Terminal) throws -> ExitStatus {
        let history = try history.open()
        let session = try target.find(in: history)
        let stages = try history.definition(of: session.session).stages.filter(
            matching: stage ?? (batch == nil ? nil : 0), of: session)
        if let batch, let stage = stages.first {
            try show(batch, of: stage, in: session, history, on: terminal)
        } else {
            let overview = try SessionOverview(history, session, stages, on: terminal)
            if speech.json {
                try terminal.print(overview.facts)
            } else {
                try terminal.print(overview.lines(width: terminal.width))
            }
        }
        return .done
    }

    private func show(
        _ number: Int64, of stage: SessionDefinition.Stage, in session: SessionSummary, _ history: History,
        on terminal: Terminal
    ) throws {
        var recorded = RecordedBatch(stage: stage.number, batch: number)
        var events: [SessionEvent] = []
        try history.forEachEvent(of: session.session, stage: stage.number, batches: number...number) { event in
            recorded.add(event)
            events.append(event)
            return true
        }
        if events.isEmpty {
            throw CommandFailure(
                "stage \(stage.number) of session \(session.session) has no batch \(number); it is numbered from 1")
        }
        if !speech.json {
            return try terminal.print(
                BatchTimeline(stage: stage, batch: recorded, events: events, width: terminal.width, showsAll: all).lines
            )
        }
        var facts = Facts()
        facts.set("session", session.session)
        facts.set("stage", stage.number)
        facts.set("batch", number)
        facts.set("outcome", recorded.outcome?.rawValue ?? "open")
        facts.set("events", events.filter { $0.kind != .close }.map(\.facts))
        try terminal.print(facts)
    }
}

extension SessionEvent {
    /// As the view `timeline` has it.
    var facts: Facts {
        var facts = Facts()
        facts.set("seq", sequence)
        facts.set("at_ms", Double(time) / 1e6)
        facts.set("event", String(describing: kind))
        facts.set("stage", stage < 0 ? nil : stage)
        facts.set("batch", batch == 0 ? nil : batch)
        facts.set("branch", branch < 0 ? nil : branch)
        facts.set("position", position < 0 ? nil : position)
        facts.set("direction", direction?.rawValue)
        facts.set("frame_id", frame?.id)
        facts.set("frame_name", frame?.name)
        facts.set("frame_type", frame?.type.name)
        facts.set("frame_class", frame?.type.frameClass.rawValue)
        facts.set("text", detail ?? frame?.readableText)
        return facts
    }
}
