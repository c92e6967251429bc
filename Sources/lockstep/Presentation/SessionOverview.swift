internal import PipelineEngine
internal import SessionHistory

/// What there is to say about a session as a whole.
struct SessionOverview {
    let session: SessionSummary
    let stages: [Stage]

    /// A stage with how it did.
    struct Stage {
        let definition: SessionDefinition.Stage
        var branches: [Branch]
        /// The number of batches by how they ended.
        var outcomes: [String: Int64] = [:]
        /// Of the batches that ended, in ms.
        var held: [Double] = []
        /// Those held longest, longest first.
        var slowest: [BatchSummary] = []

        init(_ definition: SessionDefinition.Stage) {
            self.definition = definition
            branches = definition.branches.map(Branch.init)
        }

        mutating func add(_ batch: BatchSummary, _ barriers: [BranchBarrier]) {
            outcomes[batch.outcome, default: 0] += 1
            for barrier in barriers where branches.indices.contains(barrier.branch) {
                branches[barrier.branch].add(barrier)
            }
            guard let time = batch.heldMs else { return }
            held.append(time)
            if slowest.count == 3, let least = slowest.last?.heldMs, least >= time { return }
            let place = slowest.firstIndex { ($0.heldMs ?? 0) < time } ?? slowest.count
            slowest.insert(batch, at: place)
            if slowest.count > 3 { slowest.removeLast() }
        }

        func percentile(_ share: Double) -> Double? {
            held.isEmpty ? nil : held[min(held.count - 1, Int(Double(held.count) * share))]
        }
    }

    /// A branch with how it did.
    struct Branch {
        let definition: SessionDefinition.Branch
        var batches: Int64 = 0
        var outputs: Int64 = 0
        /// Batches in which the others waited for it.
        var cameLast: Int64 = 0
        /// For how long it waited for the others, in ms.
        var waited = 0.0
        /// Batches of which that is known: not one that is open.
        private var waits = 0
        var longestWait = 0.0

        init(_ definition: SessionDefinition.Branch) { self.definition = definition }

        mutating func add(_ barrier: BranchBarrier) {
            batches += 1
            outputs += Int64(barrier.outputs)
            if barrier.straggler { cameLast += 1 }
            guard let wait = barrier.waitedMs else { return }
            waits += 1
            waited += wait
            longestWait = max(longestWait, wait)
        }

        var meanWait: Double { waits == 0 ? 0 : waited / Double(waits) }
    }

    init(
        _ history: History, _ session: SessionSummary, _ definitions: [SessionDefinition.Stage], on terminal: Terminal
    ) throws {
        self.session = session
        var stages = definitions.map(Stage.init)
        var progress = ProgressBar("reading", total: session.inbound, on: terminal)
        var done: Int64 = 0
        // One stage or all of them: either way the session is read once.
        let only = definitions.count == 1 ? definitions.first?.number : nil
        try history.forEachBatch(of: session.session, stage: only) { batch, barriers in
            if let index = stages.firstIndex(where: { $0.definition.number == batch.stage }) {
                stages[index].add(batch, barriers)
            }
            done += 1
            progress.update(done)
            return true
        }
        progress.finish()
        for index in stages.indices { stages[index].held.sort() }
        self.stages = stages
    }

    // MARK: - For people

    func lines(width: Int) -> [StyledText] {
        var facts = Table([.init(title: ""), .init(title: "", canShrink: true)])
        func fact(_ name: String, _ value: StyledText) { facts.add([StyledText(name, .dim), value]) }
        fact("uuid", StyledText(session.uuid))
        if let source = session.source { fact("source", StyledText(source)) }
        if session.payload != .full { fact("content", StyledText(session.payload.words, .yellow)) }
        var time = Quantity.moment(session.startedAt)
        if let ended = session.endedAt { time += " to \(Quantity.moment(ended).suffix(8))" }
        let duration = session.durationMs.map { " · \(Quantity.duration(milliseconds: $0))" } ?? ""
        fact("time (UTC)", StyledText(time + duration))
        fact(
            "frames",
            StyledText(
                "\(Quantity.count(session.inbound)) in · \(Quantity.count(session.outputs, "output")) · "
                    + "\(Quantity.count(session.released)) released · \(Quantity.count(session.duplicates, "duplicate")) · "
                    + Quantity.count(session.bypasses, "bypass", "bypasses")))
        fact(
            "findings",
            session.findings == 0
                ? StyledText("none", .green)
                : StyledText(Quantity.count(session.findings), .yellow)
                    + StyledText(" · see 'lockstep check \(session.session)'", .dim))
        let title = StyledText(session.title, .bold) + StyledText(" · ", .dim) + session.state.styled
        return [title] + facts.lines(width: width) + stages.flatMap { [StyledText()] + $0.lines(width: width) }
    }

    // MARK: - For programs

    var facts: Facts {
        var facts = session.facts
        facts.set("stage_list", stages.map(\.facts))
        return facts
    }
}

extension PayloadMode {
    /// What a person has to know of a session in this mode.
    fileprivate var words: String {
        switch self {
        case .full: "everything is kept"
        case .text: "texts are kept, bytes are not (--payload text)"
        case .hash: "not kept, but its sizes and hashes (--payload hash)"
        case .none: "not kept (--payload none)"
        }
    }
}

extension SessionOverview.Stage {
    fileprivate func lines(width: Int) -> [StyledText] {
        var lines = [definition.title]
        var table = Table(
            [
                .init(title: "branch", alignment: .right), .init(title: "name"),
                .init(title: "processors", canShrink: true), .init(title: "outputs", alignment: .right),
                .init(title: "came last", alignment: .right), .init(title: "waited, mean", alignment: .right),
                .init(title: "longest", alignment: .right),
            ], indent: 2)
        for branch in branches {
            table.add([
                StyledText("\(branch.definition.number)", Style.branch(branch.definition.number)),
                StyledText(branch.definition.name ?? ""),
                StyledText(
                    branch.definition.processors.isEmpty
                        ? "(passes frames on)" : branch.definition.processors.joined(separator: " → "), .dim),
                StyledText(Quantity.count(branch.outputs)),
                StyledText("\(Quantity.count(branch.cameLast)) of \(Quantity.count(branch.batches))"),
                StyledText(Quantity.duration(milliseconds: branch.meanWait)),
                StyledText(Quantity.duration(milliseconds: branch.longestWait)),
            ])
        }
        lines += table.lines(width: width)
        let ended = ["released", "interrupted", "cancelled", "failed", "open"].compactMap { outcome in
            outcomes[outcome].map { "\(Quantity.count($0)) \(outcome)" }
        }
        lines.append(
            StyledText("  batches  ", .dim) + StyledText(ended.isEmpty ? "none" : ended.joined(separator: " · ")))
        if let median = percentile(0.5), let high = percentile(0.95), let most = held.last {
            lines.append(
                StyledText("  held     ", .dim)
                    + StyledText(
                        "median \(Quantity.duration(milliseconds: median)) · 95 % \(Quantity.duration(milliseconds: high))"
                            + " · longest \(Quantity.duration(milliseconds: most))"))
        }
        let longest = slowest.map { "\($0.batch) (\(Quantity.duration(milliseconds: $0.heldMs ?? 0)))" }
        if !longest.isEmpty {
            lines.append(StyledText("  slowest  ", .dim) + StyledText("batch " + longest.joined(separator: ", ")))
        }
        return lines
    }

    fileprivate var facts: Facts {
        var facts = Facts()
        facts.set("stage", definition.number)
        facts.set("name", definition.name)
        facts.set("frame_order", definition.frameOrder?.rawValue)
        facts.set("parent", definition.parent)
        facts.set(
            "branches",
            branches.map { branch in
                var facts = Facts()
                facts.set("branch", branch.definition.number)
                facts.set("name", branch.definition.name)
                facts.set("processors", branch.definition.processors)
                facts.set("batches", branch.batches)
                facts.set("outputs", branch.outputs)
                facts.set("straggled", branch.cameLast)
                facts.set("mean_waited_ms", branch.meanWait)
                facts.set("max_waited_ms", branch.longestWait)
                return facts
            })
        var counts = Facts()
        for outcome in ["released", "interrupted", "cancelled", "failed", "open"] {
            counts.set(outcome, outcomes[outcome] ?? 0)
        }
        facts.set("batches", counts)
        var times = Facts()
        times.set("median", percentile(0.5))
        times.set("p95", percentile(0.95))
        times.set("max", held.last)
        facts.set("held_ms", times)
        facts.set(
            "slowest",
            slowest.map { batch in
                var facts = Facts()
                facts.set("batch", batch.batch)
                facts.set("held_ms", batch.heldMs)
                return facts
            })
        return facts
    }
}
