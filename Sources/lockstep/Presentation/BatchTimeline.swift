internal import PipelineEngine

/// Draws one batch: a bar for each branch from the acceptance of the frame to its SyncFrame, and everything that happened.
struct BatchTimeline {
    let stage: SessionDefinition.Stage
    let batch: RecordedBatch
    /// All events of the batch, in their order.
    let events: [SessionEvent]
    let width: Int
    /// Whether runs of events that are alike are shown one by one.
    var showsAll = false

    private var start: Int64 { batch.inbound?.time ?? events.first?.time ?? 0 }
    private var end: Int64 { events.last?.time ?? start }

    var lines: [StyledText] { [heading, StyledText()] + bars + [StyledText()] + list }

    private var heading: StyledText {
        let line =
            StyledText("batch \(batch.batch)", .bold) + StyledText(" of stage \(stage.number) \(stage.name) · ", .dim)
            + (batch.inbound?.frame?.styled() ?? StyledText("its beginning was not recorded", .yellow))
        let held = Quantity.duration(milliseconds: Double(end - start) / 1e6)
        let ending =
            switch batch.outcome {
            case .released: StyledText(" · released after \(held)", .green)
            case let outcome?: StyledText(" · \(outcome.rawValue) after \(held)", .yellow)
            case nil: StyledText(" · open for \(held), until the recording's end", .red)
            }
        return line.cut(to: max(20, width - ending.width)) + ending
    }

    // MARK: - Bars

    private var bars: [StyledText] {
        let labels = stage.branchLabels
        let labelWidth = min(16, labels.map(\.displayWidth).max() ?? 0)
        let cells = max(20, min(80, width - labelWidth - 34))
        let lastSync = batch.syncs.last
        return stage.branches.map { branch in
            let sync = batch.syncs.first { $0.branch == branch.number }
            let style = Style.branch(branch.number)
            var line = StyledText("  ") + StyledText(labels[branch.number], style).fit(to: labelWidth) + StyledText(" ")
            line += bar(branch.number, sync: sync, cells: cells, style)
            guard let sync else {
                return line + StyledText("  no SyncFrame", batch.outcome == nil ? [.bold, .red] : .yellow)
            }
            line.append("  " + Quantity.duration(milliseconds: Double(sync.time - start) / 1e6))
            if batch.syncs.count == stage.branches.count, stage.branches.count > 1, sync.sequence == lastSync?.sequence
            {
                let others = batch.syncs.dropLast().last.map { sync.time - $0.time } ?? 0
                line.append("  last, by \(Quantity.duration(milliseconds: Double(others) / 1e6))", .bold)
            }
            return line
        }
    }

    /// `├──●───●──┤······`: outputs as dots, several in one place as a diamond; what waits for the others is dotted.
    private func bar(_ branch: Int, sync: SessionEvent?, cells: Int, _ style: Style) -> StyledText {
        let span = max(1, end - start)
        func cell(_ time: Int64) -> Int {
            let share = Double(min(max(time - start, 0), span)) / Double(span)
            return min(cells - 1, Int((share * Double(cells - 1)).rounded()))
        }
        let syncCell = sync.map { cell($0.time) } ?? cells - 1
        var marks = [Character](repeating: "─", count: syncCell + 1)
        for output in batch.outputs where output.branch == branch {
            // Beside the marks of the beginning and the SyncFrame, not over them.
            let place = min(max(cell(output.time), 1), max(1, sync == nil ? syncCell : syncCell - 1))
            if !marks.indices.contains(place) { continue }
            marks[place] = marks[place] == "●" || marks[place] == "◆" ? "◆" : "●"
        }
        marks[0] = "├"
        if sync != nil, syncCell > 0 { marks[syncCell] = "┤" }
        if syncCell == 0 {
            let count = batch.outputs.count { $0.branch == branch }
            if count > 0 { marks[0] = count == 1 ? "●" : "◆" }
        }
        return StyledText(String(marks), style)
            + StyledText(String(repeating: "·", count: cells - 1 - syncCell), .dim)
    }

    // MARK: - List

    private var list: [StyledText] {
        var table = Table(
            [
                .init(title: "at ms", alignment: .right), .init(title: "+ms", alignment: .right), .init(title: "event"),
                .init(title: "branch"), .init(title: "", alignment: .right),
                .init(title: "frame", canShrink: true, least: 20),
            ], indent: 2)
        let labels = stage.branchLabels
        let frames = Dictionary(
            events.compactMap { event in event.frame.map { (event.sequence, $0) } },
            uniquingKeysWith: { first, _ in first })
        func branch(_ event: SessionEvent) -> StyledText {
            labels.indices.contains(event.branch)
                ? StyledText(labels[event.branch], Style.branch(event.branch)) : StyledText()
        }
        func areAlike(_ a: SessionEvent, _ b: SessionEvent) -> Bool {
            let (left, right) = (a.frame ?? frames[a.subject], b.frame ?? frames[b.subject])
            return a.kind == b.kind && a.branch == b.branch && a.direction == b.direction && left?.type == right?.type
        }
        let shown = events.filter { $0.kind != .close }.folded(limit: showsAll ? .max : 6, areAlike)
        for place in shown {
            switch place {
            case .item(let event):
                let isPlaced = event.kind == .release || event.kind == .duplicate
                table.add([
                    StyledText(Quantity.fixed(Double(event.time) / 1e6, 3)),
                    StyledText(Quantity.fixed(Double(event.time - start) / 1e6, 3), .dim),
                    StyledText(String(describing: event.kind), event.kind.style), branch(event),
                    StyledText(isPlaced && event.position >= 0 ? "\(event.position)" : "", .dim),
                    what(event, frames[event.subject]),
                ])
            case .more(let count, let event):
                let type = (event.frame ?? frames[event.subject])?.type.name ?? String(describing: event.kind)
                table.add([
                    StyledText(), StyledText(), StyledText("…", .dim), branch(event), StyledText(),
                    StyledText("… \(Quantity.count(count)) more \(type)", .dim),
                ])
            }
        }
        return table.lines(width: width)
    }

    private func what(_ event: SessionEvent, _ subject: (any Frame)?) -> StyledText {
        var text = StyledText()
        if let frame = event.frame ?? subject {
            text = event.direction == .upstream ? StyledText("▲ ", .dim) + frame.styled() : frame.styled()
        }
        if let detail = event.detail {
            let who = event.processor.map { "\($0): " } ?? ""
            text += StyledText(text.spans.isEmpty ? who + detail : " · " + who + detail, .dim)
        }
        return text
    }
}

extension SessionEvent.Kind {
    fileprivate var style: Style {
        switch self {
        case .release: [.bold, .green]
        case .stall, .error, .anomaly: [.bold, .red]
        case .drop, .late, .duplicate: .yellow
        case .inbound: .bold
        case .output, .sync, .bypass, .close: .plain
        }
    }
}
