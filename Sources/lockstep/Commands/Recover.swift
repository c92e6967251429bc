internal import ArgumentParser
internal import SessionHistory

struct Recover: WaitingCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover",
        abstract: "Salvage what can be read of a damaged history into a new file.",
        discussion: """
            The damaged file is only read, and so is the log beside it. What is lost is said session by session, and kept with each \
            session as a finding. End recordings into the file first.

            Exits with 0 if everything is in the new file as it was written, with 3 if something is lost.
            """)

    @Argument(
        help: ArgumentHelp("The damaged history.", valueName: "file"), completion: .file(extensions: ["sqlite"]))
    var file: String

    @Option(help: ArgumentHelp("The new history; a file that does not exist.", valueName: "file"), completion: .file())
    var output: String

    @OptionGroup var speech: SpeechOptions

    func run(on terminal: Terminal) async throws -> ExitStatus {
        var progress = ProgressBar("recovering", total: 0, on: terminal)
        let report = try await History.recover(file, to: output) { progress.update($0) }
        progress.finish()
        let view = RecoveryView(source: file, target: output, report: report)
        if speech.json { try terminal.print(view.facts) } else { try terminal.print(view.lines) }
        return report.isWhole ? .done : .lossy
    }
}

/// What a recovery came to.
struct RecoveryView {
    let source: String
    let target: String
    let report: RecoveryReport

    var lines: [StyledText] {
        var lines = report.remarks.map { StyledText("note ", .dim) + StyledText($0) }
        lines += report.losses.map { StyledText("lost ", .red) + StyledText($0) }
        for session in report.sessions {
            let title = "session \(session.session)" + (session.name.map { " \($0)" } ?? "")
            for loss in session.losses {
                lines.append(StyledText("lost ", .red) + StyledText("\(title): ", .bold) + StyledText(loss))
            }
        }
        let hurt = report.sessions.count { !$0.losses.isEmpty }
        let verdict =
            report.isWhole
            ? StyledText("everything was recovered", .green)
            : StyledText(
                "recovered with loss, in \(Quantity.count(hurt)) of \(Quantity.count(report.sessions.count, "session"))",
                .yellow)
        let amount = "\(Quantity.count(report.sessions.count, "session")), \(Quantity.count(report.events, "event"))"
        lines.append(StyledText("\(target): ") + verdict + StyledText(" · \(amount)", .dim))
        return lines
    }

    var facts: Facts {
        var facts = Facts()
        facts.set("file", source)
        facts.set("output", target)
        facts.set("whole", report.isWhole)
        facts.set("losses", report.losses)
        facts.set("remarks", report.remarks)
        facts.set(
            "sessions",
            report.sessions.map { session in
                var facts = Facts()
                facts.set("session", session.session)
                facts.set("uuid", session.uuid)
                facts.set("name", session.name)
                facts.set("events", session.events)
                facts.set("losses", session.losses)
                return facts
            })
        return facts
    }
}
