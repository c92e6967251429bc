internal import ArgumentParser
internal import SessionHistory

struct Check: SpeakingCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "List what no healthy session shows: defects, anomalies, stalls, late outputs, collisions.",
        discussion: "Exits with 1 if there is anything to list.")

    @Argument(help: ArgumentHelp("Only this session; else all of them.", valueName: "session"))
    var session: String?

    @OptionGroup var history: HistoryOptions
    @OptionGroup var speech: SpeechOptions

    func run(on terminal: Terminal) throws -> ExitStatus {
        let history = try history.open()
        let sessions = try session.map { [try history.session($0)] } ?? history.sessions()
        var total = 0
        for session in sessions {
            // The count may lag behind in a session that is being recorded.
            if session.findings == 0, session.state != .recording, self.session == nil { continue }
            let findings = try history.findings(of: session.session)
            if findings.isEmpty { continue }
            if !speech.json {
                if total > 0 { try terminal.print() }
                try print(findings, of: session, on: terminal)
            } else {
                for finding in findings { try terminal.print(finding.facts(session: session.session)) }
            }
            total += findings.count
        }
        if total == 0, !speech.json {
            terminal.note("nothing found in \(Quantity.count(sessions.count, "session"))")
        }
        return total == 0 ? .done : .different
    }

    private func print(_ findings: [Finding], of session: SessionSummary, on terminal: Terminal) throws {
        try terminal.print(
            StyledText("session \(session.session)", .bold) + StyledText(session.name.map { " \($0)" } ?? "")
                + StyledText(" · \(Quantity.count(findings.count, "finding"))", .dim))
        for finding in findings {
            var place = finding.stage.map { "stage \($0)" } ?? ""
            if let batch = finding.batch { place += " batch \(batch)" }
            if let branch = finding.branch { place += " branch \(branch)" }
            if let sequence = finding.sequence { place += " seq \(sequence)" }
            let style: Style = finding.severity == .error ? .red : finding.severity == .warning ? .yellow : .dim
            try terminal.print(
                StyledText("  ") + StyledText(finding.severity.rawValue, style) + StyledText(" ")
                    + StyledText(finding.kind, .bold) + StyledText(place.isEmpty ? "" : " · \(place)", .dim))
            for line in StyledText(finding.detail).wrapped(to: terminal.width - 4) {
                try terminal.print(StyledText("    ") + line)
            }
        }
    }
}

extension Finding {
    /// As the view `findings` has it.
    func facts(session: Int64) -> Facts {
        var facts = Facts()
        facts.set("session", session)
        facts.set("seq", sequence)
        facts.set("stage", stage)
        facts.set("batch", batch)
        facts.set("branch", branch)
        facts.set("kind", kind)
        facts.set("severity", severity.rawValue)
        facts.set("detail", detail)
        return facts
    }
}
