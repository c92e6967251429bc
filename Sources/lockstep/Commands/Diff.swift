internal import ArgumentParser
internal import PipelineEngine
internal import Replay
internal import SessionHistory

struct Diff: SpeakingCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compare releases: ARRIVAL against PIPELINE order, or two sessions.",
        discussion: """
            With one session, shows each batch whose order depends on the frame order: ARRIVAL on the left, PIPELINE on the \
            right. With two, shows each batch whose release differs; frames correspond by their content and branch, batches \
            by their number.

            Between the columns: ▲ ▼ moved, − missing on the right, + extra on the right, ≠ other content.
            Exits with 1 if anything differs.
            """)

    @OptionGroup var target: SessionArgument

    @Argument(help: ArgumentHelp("A second session to compare the first with.", valueName: "other"))
    var other: String?

    @Option(help: ArgumentHelp("Only this stage.", valueName: "n"))
    var stage: Int?

    @Option(help: ArgumentHelp("Only this batch.", valueName: "n"))
    var batch: Int64?

    @Option(help: ArgumentHelp("Show at most so many batches of each stage.", valueName: "n"))
    var limit: Int?

    @Flag(help: "Show every row; else long runs of frames that are alike are folded.")
    var all = false

    @Flag(help: "Show the summary only.")
    var summary = false

    @OptionGroup var history: HistoryOptions
    @OptionGroup var speech: SpeechOptions

    func validate() throws {
        if let limit, limit < 0 { throw ValidationError("--limit cannot be negative") }
        if let batch, batch < 1 { throw ValidationError("batches count from 1") }
    }

    func run(on terminal: Terminal) throws -> ExitStatus {
        let history = try history.open()
        let left = try target.find(in: history)
        let right = try other.map(history.session)
        let diff = try SessionDiff(history, session: left.session, other: right?.session)
        let stages = try diff.stages.filter(matching: stage, of: left)
        let titles = right.map { (left.title, $0.title) } ?? ("ARRIVAL", "PIPELINE")
        var progress = ProgressBar(
            "comparing", total: batch == nil && stages.count == 1 ? left.inbound : 0, on: terminal)
        var total = ComparisonSummary()
        for stage in stages {
            let view = DiffView(titles: titles, branches: stage.branchLabels, width: terminal.width, showsAll: all)
            var shown = 0
            var isHeaded = false
            let show = { (item: StageComparison.Item) throws -> Bool in
                if summary || shown >= limit ?? .max { return false }
                progress.finish()
                shown += 1
                if speech.json {
                    try terminal.print(item.facts)
                    return true
                }
                if !isHeaded, stages.count > 1 || right == nil {
                    try terminal.print(stage.title)
                    isHeaded = true
                }
                try terminal.print()
                try terminal.print(view.lines(item))
                return true
            }
            let part = try diff.compare(
                stage: stage.number, batches: batch.map { $0...$0 }, progress: { progress.update($0) }, show)
            progress.finish()
            if !speech.json, isHeaded || shown > 0 { try terminal.print() }
            if !speech.json, !summary, part.differing > shown {
                let count = Quantity.count(part.differing - Int64(shown), "more batch differs", "more batches differ")
                terminal.note("\(count); --limit \(part.differing) shows them")
            }
            if !speech.json, stages.count > 1 {
                try terminal.print(StyledText("stage \(stage.number): ", .dim) + part.lines(titles)[0])
            }
            total += part
        }
        if let batch, total.batches + total.leftOnly + total.rightOnly + total.withoutHead + total.open == 0 {
            throw CommandFailure(
                "session \(left.session) has no batch \(batch) there; 'lockstep show' lists what it has")
        }
        if speech.json {
            try terminal.print(total.facts)
        } else {
            try terminal.print(total.lines(titles))
        }
        return total.isDifferent ? .different : .done
    }
}

extension DiffView {
    fileprivate func lines(_ item: StageComparison.Item) -> [StyledText] {
        switch item {
        case .compared(let comparison): lines(comparison)
        case .leftOnly(let batch): [line(only: batch, isLeft: true)]
        case .rightOnly(let batch): [line(only: batch, isLeft: false)]
        case .withoutHead(let batch): [line(batch, "left out: its beginning was not recorded")]
        case .open(let batch): [line(batch, "left out: it was still open when the recording ended")]
        }
    }

    private func line(_ batch: RecordedBatch, _ why: String) -> StyledText {
        StyledText("batch \(batch.batch)", .bold) + StyledText(" · \(why)", .dim)
    }
}

extension StageComparison.Item {
    fileprivate var facts: Facts {
        let (kind, batch): (String, RecordedBatch)
        switch self {
        case .compared(let comparison): return comparison.facts
        case .leftOnly(let recorded): (kind, batch) = ("left_only", recorded)
        case .rightOnly(let recorded): (kind, batch) = ("right_only", recorded)
        case .withoutHead(let recorded): (kind, batch) = ("without_head", recorded)
        case .open(let recorded): (kind, batch) = ("open", recorded)
        }
        var facts = Facts()
        facts.set("kind", kind)
        facts.set("stage", batch.stage)
        facts.set("batch", batch.batch)
        facts.set("inbound", batch.inbound?.frame?.facts)
        return facts
    }
}

extension SessionSummary {
    /// `session 3 calendar`.
    var title: String { "session \(session)" + (name.map { " \($0)" } ?? "") }
}

extension SessionDefinition.Stage {
    /// What people call its branches: their names, else their numbers.
    var branchLabels: [String] { branches.map { $0.name ?? "branch \($0.number)" } }

    /// `stage 0 calendar · arrival`.
    var title: StyledText {
        StyledText("stage \(number)", .bold) + StyledText(" \(name)")
            + StyledText(" · \(frameOrder?.rawValue ?? "order unknown")", .dim)
    }
}

extension [SessionDefinition.Stage] {
    /// All of them, or the one that was asked for.
    func filter(matching number: Int?, of session: SessionSummary) throws -> [SessionDefinition.Stage] {
        guard let number else { return self }
        let found = filter { $0.number == number }
        if found.isEmpty {
            throw CommandFailure(
                "session \(session.session) has no stage \(number); it has \(Quantity.count(count, "stage")), from 0")
        }
        return found
    }
}
