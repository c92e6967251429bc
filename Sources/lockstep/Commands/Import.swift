internal import ArgumentParser
internal import PipelineEngine
internal import SessionHistory
internal import WhiskerBridge

struct Import: WaitingCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take sessions from files into the history: exported ones, and recordings of Whisker's.",
        discussion: """
            An exported session comes back as it was, with the same uuid; one that is there already is left as it is. A file \
            that is cut off or broken is refused with the line, and then nothing of any file is imported.

            Of a .whisk file that is cut off or damaged everything before the damage is imported, and the exit code 3 says so.
            """)

    @Argument(
        help: ArgumentHelp("Files that 'lockstep export' or Whisker wrote.", valueName: "file"),
        completion: .file(extensions: ["jsonl", "whisk"]))
    var files: [String]

    @Option(
        help: ArgumentHelp(
            "The frame order of a .whisk file's stages; else inferred from what they released.",
            valueName: "arrival|pipeline"))
    var order: OrderChoice?

    @OptionGroup var content: ContentOptions
    @OptionGroup var history: HistoryOptions
    @OptionGroup var speech: SpeechOptions

    /// A file of either kind, known to be one.
    private enum File {
        case lines(SessionImport)
        case whisk(WhiskImport)
    }

    func run(on terminal: Terminal) async throws -> ExitStatus {
        let files = try files.map { path -> File in
            WhiskImport.isText(path)
                ? .lines(try SessionImport(checking: path, keeping: content.payload.mode))
                : .whisk(try WhiskImport(checking: path, order: order?.frameOrder, keeping: content.payload.mode))
        }
        let history = try history.open(for: .writing, options: WriterOptions(limits: content.limits))
        var facts: [Facts] = []
        var status = ExitStatus.done
        for file in files {
            switch file {
            case .lines(let file): facts.append(try await run(file, history, on: terminal))
            case .whisk(let file):
                let (found, losses) = try await run(file, history, on: terminal)
                facts += found
                if losses { status = .lossy }
            }
        }
        if speech.json { try terminal.print(facts) }
        return status
    }

    private func run(_ file: SessionImport, _ history: History, on terminal: Terminal) async throws -> Facts {
        var progress = ProgressBar("importing \(file.path)", total: file.events, on: terminal)
        let session = try await file.run(into: history) { progress.update($0) }
        progress.finish()
        let known = try history.session(session.map { "\($0)" } ?? file.uuid)
        say(known, isNew: session != nil, events: file.events, on: terminal)
        return self.facts(known, isNew: session != nil, file: file.path, losses: [])
    }

    private func run(
        _ file: WhiskImport, _ history: History, on terminal: Terminal
    ) async throws -> ([Facts], Bool) {
        var progress = ProgressBar("importing \(file.path)", total: 0, on: terminal)
        let sessions = try await file.run(into: history) { progress.update($0) }
        progress.finish()
        var facts: [Facts] = []
        for session in sessions {
            let known = try history.session(session.number.map { "\($0)" } ?? session.uuid)
            say(known, isNew: session.number != nil, events: session.summary.events, on: terminal)
            if session.number != nil { terminal.say(session.summary, findings: known.findings) }
            facts.append(
                self.facts(known, isNew: session.number != nil, file: file.path, losses: session.summary.losses))
        }
        return (facts, sessions.contains { !$0.summary.losses.isEmpty })
    }

    private func say(_ session: SessionSummary, isNew: Bool, events: Int64, on terminal: Terminal) {
        if speech.json { return }
        let what = isNew ? "imported, \(Quantity.count(events, "event"))" : "is there already"
        terminal.note(StyledText(session.title, .bold) + StyledText(" · \(what)", .dim))
    }

    private func facts(_ session: SessionSummary, isNew: Bool, file: String, losses: [String]) -> Facts {
        var facts = session.facts
        facts.set("file", file)
        facts.set("imported", isNew)
        facts.set("losses", losses)
        return facts
    }
}
