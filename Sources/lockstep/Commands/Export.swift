internal import ArgumentParser
internal import PipelineFiles
internal import SessionHistory

struct Export: SpeakingCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a session to a file that any history can import.",
        discussion: "The file is readable by its owner only. Importing it gives the same session, with the same uuid.")

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case jsonl, whisk
    }

    @OptionGroup var target: SessionArgument

    @Option(
        help: ArgumentHelp(
            "jsonl: one JSON object a line; whisk: a file for Pipecat's debugger Whisker.", valueName: "format"))
    var format: Format

    @Option(help: ArgumentHelp("The file; else standard output.", valueName: "file|-"), completion: .file())
    var output: String?

    @OptionGroup var history: HistoryOptions
    @OptionGroup var speech: SpeechOptions

    func run(on terminal: Terminal) throws -> ExitStatus {
        let history = try history.open()
        let session = try target.find(in: history)
        if let output, output != "-" {
            try SparedFile.check([SparedFile(role: "the history", path: history.path)], againstOutput: output)
        }
        let file = try output.flatMap { $0 == "-" ? nil : try PrivateFile(creating: $0) }
        let stream = file?.stream ?? terminal.output
        var progress = ProgressBar("exporting", total: session.inbound, on: terminal)
        let events =
            switch format {
            case .jsonl: try SessionExport(history, session).write(to: stream) { progress.update($0) }
            case .whisk: try WhiskExport(history, session).write(to: stream) { progress.update($0) }
            }
        progress.finish()
        try file?.finish()
        if let file {
            if speech.json {
                var facts = Facts()
                facts.set("session", session.session)
                facts.set("uuid", session.uuid)
                facts.set("file", file.path)
                facts.set("events", events)
                try terminal.print(facts)
            } else {
                terminal.note("\(session.title): \(Quantity.count(events, "event")) written to \(file.path)")
            }
        }
        return .done
    }
}
