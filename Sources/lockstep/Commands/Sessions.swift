internal import ArgumentParser
internal import SessionHistory

struct Sessions: SpeakingCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions", abstract: "List the sessions of the history.")

    @OptionGroup var history: HistoryOptions
    @OptionGroup var speech: SpeechOptions

    func run(on terminal: Terminal) async throws -> ExitStatus {
        let history = try history.open()
        if speech.json {
            try terminal.print(history.sessions().map(\.facts))
            return .done
        }
        var table = Table([
            .init(title: "session", alignment: .right), .init(title: "uuid"),
            .init(title: "name", canShrink: true), .init(title: "state"), .init(title: "started (UTC)"),
            .init(title: "duration", alignment: .right), .init(title: "in", alignment: .right),
            .init(title: "outputs", alignment: .right), .init(title: "released", alignment: .right),
            .init(title: "findings", alignment: .right),
        ])
        // Each becomes a row at once, and is let go of: there may be many.
        try history.forEachSession { session in
            table.add([
                StyledText("\(session.session)", .bold),
                StyledText(String(decoding: session.uuid.utf8.prefix(8), as: UTF8.self), .dim),
                StyledText(session.name ?? session.source ?? ""), session.state.styled,
                StyledText(Quantity.moment(session.startedAt)),
                StyledText(session.durationMs.map(Quantity.duration(milliseconds:)) ?? ""),
                StyledText(Quantity.count(session.inbound)), StyledText(Quantity.count(session.outputs)),
                StyledText(Quantity.count(session.released)),
                session.findings == 0 ? StyledText("0", .dim) : StyledText(Quantity.count(session.findings), .yellow),
            ])
            return true
        }
        if table.isEmpty {
            terminal.note("no sessions yet; record one with 'lockstep record --pipeline FILE'")
            return .done
        }
        try terminal.print(table)
        return .done
    }
}

extension SessionState {
    /// The state in the colour that it deserves.
    var styled: StyledText {
        switch self {
        case .complete: StyledText(rawValue, .green)
        case .recording: StyledText(rawValue, .cyan)
        case .failed: StyledText(rawValue, .red)
        case .interrupted: StyledText(rawValue, .yellow)
        }
    }
}

extension SessionSummary {
    /// As the view `sessions` has it.
    var facts: Facts {
        var facts = Facts()
        facts.set("session", session)
        facts.set("uuid", uuid)
        facts.set("name", name)
        facts.set("source", source)
        facts.set("state", state.rawValue)
        facts.set("started_at", startedAt)
        facts.set("ended_at", endedAt)
        facts.set("duration_ms", durationMs)
        facts.set("stages", stages)
        facts.set("inbound", inbound)
        facts.set("outputs", outputs)
        facts.set("released", released)
        facts.set("duplicates", duplicates)
        facts.set("bypasses", bypasses)
        facts.set("findings", findings)
        facts.set("payload", payload.rawValue)
        return facts
    }
}
