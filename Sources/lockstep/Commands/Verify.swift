internal import ArgumentParser
internal import SessionHistory

struct Verify: SpeakingCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that the history is as it was written.",
        discussion: """
            Reads all of it: the file's structure, references, the sequence of each session's events, the hash of every frame, \
            and what each session's row said when it was closed. Changes nothing; sessions may be recorded meanwhile.

            Exits with 1 if anything is damaged.
            """)

    @OptionGroup var history: HistoryOptions
    @OptionGroup var speech: SpeechOptions

    func run(on terminal: Terminal) throws -> ExitStatus {
        let history: History
        do {
            history = try self.history.open()
        } catch let error where error.isDamage {
            if speech.json {
                try terminal.print(VerificationView.facts(path: self.history.path, unreadable: "\(error)"))
            }
            terminal.report("\(error)")
            return .different
        }
        let sessions = try? history.sessions()
        let events = sessions?.reduce(0) { $0 + $1.inbound * 8 } ?? 0
        var progress = ProgressBar("checking", total: max(0, events), on: terminal)
        let result = try history.verify { progress.update($0) }
        progress.finish()
        let view = VerificationView(path: history.path, result: result)
        if speech.json { try terminal.print(view.facts) } else { try terminal.print(view.lines(width: terminal.width)) }
        if !result.isWhole, !speech.json {
            terminal.note(
                "'lockstep recover \(self.history.path) --output NEW' salvages what is readable into a new file")
        }
        return result.isWhole ? .done : .different
    }
}

extension Error {
    /// Whether the history is damaged, so that it cannot be opened.
    var isDamage: Bool { (self as? HistoryError)?.code == .damaged }
}

/// What a check found.
struct VerificationView {
    let path: String
    let result: Verification

    func lines(width: Int) -> [StyledText] {
        let amount =
            "\(Quantity.count(result.sessions, "session")), \(Quantity.count(result.events, "event")), "
            + Quantity.count(result.frames, "frame")
        var lines: [StyledText] = []
        for problem in result.problems {
            let place = problem.session.map { "session \($0)" } ?? "file"
            lines.append(
                StyledText(problem.kind.rawValue, .red) + StyledText(" \(place) ", .bold) + StyledText(problem.detail))
        }
        let more = result.problemCount - result.problems.count
        if more > 0 { lines.append(StyledText("and \(Quantity.count(more)) more")) }
        lines += result.remarks.map { StyledText($0, .yellow) }
        let verdict =
            result.isWhole
            ? StyledText("whole", .green) : StyledText(Quantity.count(result.problemCount, "problem"), [.bold, .red])
        lines.append(StyledText("\(path): ") + verdict + StyledText(" · \(amount) checked", .dim))
        return lines
    }

    var facts: Facts {
        var facts = Facts()
        facts.set("path", path)
        facts.set("whole", result.isWhole)
        facts.set("sessions", result.sessions)
        facts.set("events", result.events)
        facts.set("frames", result.frames)
        facts.set("problem_count", result.problemCount)
        facts.set("problems", result.problems.map(\.facts))
        facts.set("remarks", result.remarks)
        return facts
    }

    /// Of a history that cannot be opened at all.
    static func facts(path: String, unreadable detail: String) -> Facts {
        var facts = Facts()
        facts.set("path", path)
        facts.set("whole", false)
        facts.set("problem_count", 1)
        facts.set("problems", [Verification.Problem(kind: .unreadable, detail: detail).facts])
        return facts
    }
}

extension Verification.Problem {
    fileprivate var facts: Facts {
        var facts = Facts()
        facts.set("kind", kind.rawValue)
        facts.set("session", session)
        facts.set("seq", sequence)
        facts.set("detail", detail)
        return facts
    }
}
