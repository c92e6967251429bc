internal import ArgumentParser
internal import SessionHistory

struct Sessions: SpeakingCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions", abstract: "List the sessions of the history.")

    @OptionGroup var history: HistoryOptions
    @OptionGroup var speech: SpeechOptions

    func run(on terminal: Terminal) throws -> ExitStatus {
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
        try history.forEachListedSession { session in
            table.add(String(session.session), .bold)
            table.add(session.uuidBeginning, .dim)
            table.add(session.nameOrSource)
            table.add(session.state.rawValue, session.state.style)
            table.add(Quantity.moment(session.startedAt))
            table.add(session.durationMs.map(Quantity.duration(milliseconds:)) ?? "")
            table.add(Quantity.count(session.inbound))
            table.add(Quantity.count(session.outputs))
            table.add(Quantity.count(session.released))
            table.add(Quantity.count(session.findings), session.findings == 0 ? .dim : .yellow)
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
    /// The colour that it deserves.
    var style: Style {
        switch self {
        case .complete: .green
        case .recording: .cyan
        case .failed: .red
        case .interrupted: .yellow
        }
    }

    var styled: StyledText { StyledText(rawValue, style) }
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
