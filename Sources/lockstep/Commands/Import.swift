internal import ArgumentParser
internal import SessionHistory

struct Import: SpeakingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take exported sessions into the history.",
        discussion: """
            Importing gives the same session, with the same uuid; a session that is there already is left as it is. A file that \
            is cut off or broken is refused with the line, and nothing of any file is imported then.
            """)

    @Argument(
        help: ArgumentHelp("Files that 'lockstep export' wrote.", valueName: "file"),
        completion: .file(extensions: ["jsonl"]))
    var files: [String]

    @OptionGroup var history: HistoryOptions
    @OptionGroup var speech: SpeechOptions

    func run(on terminal: Terminal) async throws -> ExitStatus {
        let imports = try files.map(SessionImport.init(checking:))
        let history = try history.open(for: .writing)
        var facts: [Facts] = []
        for file in imports {
            var progress = ProgressBar("importing \(file.path)", total: file.events, on: terminal)
            let session = try await file.run(into: history) { progress.update($0) }
            progress.finish()
            let known = try history.session("\(session.map { "\($0)" } ?? file.uuid)")
            if speech.json {
                var fact = known.facts
                fact.set("file", file.path)
                fact.set("imported", session != nil)
                facts.append(fact)
            } else {
                let what = session == nil ? "is there already" : "imported, \(Quantity.count(file.events, "event"))"
                terminal.note(StyledText(known.title, .bold) + StyledText(" · \(what)", .dim))
            }
        }
        if speech.json { try terminal.print(facts) }
        return .done
    }
}
