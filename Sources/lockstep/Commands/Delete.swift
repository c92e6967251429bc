internal import ArgumentParser
internal import SessionHistory

struct Delete: SpeakingCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete sessions; the file shrinks.")

    @Argument(
        help: ArgumentHelp("Each a number, a unique beginning of the uuid, a name, or 'last'.", valueName: "session"))
    var sessions: [String]

    @Flag(help: "Only say what would be deleted.")
    var dryRun = false

    @OptionGroup var history: HistoryOptions
    @OptionGroup var speech: SpeechOptions

    func validate() throws {
        if sessions.isEmpty { throw ValidationError("Missing expected argument '<session> ...'") }
    }

    func run(on terminal: Terminal) throws -> ExitStatus {
        // Reading first: a history that is not there is not created to delete from it.
        let reader = try history.open()
        var found: [SessionSummary] = []
        for session in try sessions.map(reader.sessionToBeChanged) where !found.contains(session) {
            found.append(session)
        }
        if dryRun {
            try terminal.print(RemovalView(sessions: found, sizes: nil), asJSON: speech.json)
            return .done
        }
        let removal = try history.open(for: .writing).delete(found.map(\.session))
        try terminal.print(RemovalView(removal), asJSON: speech.json)
        return .done
    }
}

/// What was removed, or would be.
struct RemovalView {
    let sessions: [SessionSummary]
    /// Of the history's file before and after, in bytes; nil where nothing was removed.
    let sizes: (before: Int64, after: Int64)?

    init(sessions: [SessionSummary], sizes: (before: Int64, after: Int64)?) {
        self.sessions = sessions
        self.sizes = sizes
    }

    init(_ removal: Removal) {
        sessions = removal.sessions
        sizes = removal.sizeAfter.map { (removal.sizeBefore, $0) }
    }

    var facts: Facts {
        var facts = Facts()
        facts.set("dry_run", sizes == nil)
        facts.set("sessions", sessions.map(\.facts))
        facts.set("bytes_before", sizes?.before)
        facts.set("bytes_after", sizes?.after)
        return facts
    }
}

extension Terminal {
    func print(_ removal: RemovalView, asJSON: Bool) throws {
        if asJSON { return try print(removal.facts) }
        for session in removal.sessions {
            let verb = removal.sizes == nil ? "would delete" : "deleted"
            let facts = " · \(Quantity.moment(session.startedAt)) · \(Quantity.count(session.inbound)) in"
            try print(StyledText("\(verb) \(session.title)", .bold) + StyledText(facts, .dim))
        }
        if removal.sessions.isEmpty { note("nothing to delete") }
        if let sizes = removal.sizes, !removal.sessions.isEmpty {
            note("the history took \(Quantity.bytes(sizes.before)), now \(Quantity.bytes(sizes.after))")
        }
    }
}
