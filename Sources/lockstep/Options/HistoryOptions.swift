internal import ArgumentParser
internal import SessionHistory

/// Which history a command works on.
struct HistoryOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The history's file; else $LOCKSTEP_DB, else lockstep.sqlite in the current folder.", valueName: "path"),
        completion: .file(extensions: ["sqlite"]))
    var db: String?

    var path: String {
        if let db { return db }
        let declared = Terminal.environmentValue("LOCKSTEP_DB") ?? ""
        return declared.isEmpty ? "lockstep.sqlite" : declared
    }

    func open(
        for purpose: History.Purpose = .reading, options: WriterOptions = WriterOptions()
    ) throws -> History {
        if path.isEmpty { throw CommandFailure("--db names no file; give it a path") }
        return try History.open(at: path, for: purpose, options: options)
    }
}

/// The session that a command is about.
struct SessionArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("A number, a unique beginning of the uuid, a name, or 'last'.", valueName: "session"))
    var session: String

    func find(in history: History) throws -> SessionSummary { try history.session(session) }
}
