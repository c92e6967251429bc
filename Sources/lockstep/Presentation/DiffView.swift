internal import PipelineEngine
internal import Replay

/// Draws a batch whose two releases differ: one column each, the frames that stay on one line, those that moved, are missing
/// or extra marked between the columns.
struct DiffView {
    /// What the two columns are.
    let titles: (left: String, right: String)
    /// The names of the stage's branches, by number.
    let branches: [String]
    let width: Int
    /// Whether runs of rows that are alike are shown row by row.
    var showsAll = false

    func lines(_ comparison: BatchComparison) -> [StyledText] {
        var lines = [heading(comparison)]
        let column = (width - 3) / 2
        lines.append(
            StyledText("     " + titles.left, .dim).fit(to: column) + StyledText("   ")
                + StyledText("     " + titles.right, .dim).cut(to: column))
        for section in comparison.sections {
            if comparison.sections.count > 1 {
                lines.append(StyledText("  " + section.direction.rawValue, .dim))
            }
            let positions = section.rows.flatMap { [$0.left?.position, $0.right?.position] }.compactMap { $0 }
            let digits = max(2, String(positions.max() ?? 0).count)
            for row in section.rows.folded(limit: showsAll ? .max : 6, { $0.isAlike($1) }) {
                switch row {
                case .item(let row): lines += self.lines(row, column: column, digits: digits)
                case .more(let count, let row): lines += more(count, like: row, column: column, digits: digits)
                }
            }
        }
        return lines
    }

    /// A batch that only one session has.
    func line(only batch: RecordedBatch, isLeft: Bool) -> StyledText {
        let title = isLeft ? titles.left : titles.right
        let mark = isLeft ? StyledText("− ", [.bold, .red]) : StyledText("+ ", [.bold, .green])
        return mark + StyledText("batch \(batch.batch)", .bold) + StyledText(" · only in \(title) · ", .dim)
            + (batch.inbound?.frame?.styled() ?? StyledText())
            + StyledText(" · \(Quantity.count(batch.releases.count, "frame")) released", .dim)
    }

    private func heading(_ comparison: BatchComparison) -> StyledText {
        var line = StyledText("batch \(comparison.batch)", .bold)
        if let inbound = comparison.inbound { line += StyledText(" · ", .dim) + inbound.styled() }
        var facts: [String] = []
        let moved = comparison.sections.reduce(0) { $0 + $1.moved }
        let inversions = comparison.sections.reduce(0) { $0 + $1.inversions }
        if moved > 0 { facts.append(moved == 1 ? "1 frame moves" : "\(Quantity.count(moved)) frames move") }
        if inversions > 0 { facts.append(Quantity.count(inversions, "inversion")) }
        let rows = comparison.sections.flatMap(\.rows)
        for (mark, word) in [(BatchComparison.Mark.missing, "missing"), (.extra, "extra")] {
            let count = rows.count { $0.mark == mark }
            if count > 0 { facts.append("\(Quantity.count(count)) \(word)") }
        }
        let changed = rows.count { $0.hasOtherContent && $0.left != nil }
        if changed > 0 { facts.append("\(Quantity.count(changed)) with other content") }
        if comparison.inboundDiffers { facts.append("opened by different frames") }
        let tail = StyledText(facts.map { " · " + $0 }.joined(), .dim)
        return line.cut(to: max(20, width - tail.width)) + tail
    }

    private func lines(_ row: BatchComparison.Row, column: Int, digits: Int) -> [StyledText] {
        let style = row.style
        let left: StyledText
        let right: StyledText
        switch (row.left, row.right) {
        case (let a?, let b?):
            left = cell(a, style, digits)
            right = cell(b, style, digits)
            if row.hasOtherContent, max(left.width, right.width) > column {
                return join(whole(left, column, digits), row.sign, style, whole(right, column, digits), column)
            }
        case (let a?, nil):
            left = cell(a, style, digits)
            right = note(row.otherPosition.map { "(to \($0))" }, digits)
        case (nil, let b?):
            left = note(row.otherPosition.map { "(from \($0))" }, digits)
            right = cell(b, style, digits)
        case (nil, nil):
            return []
        }
        return join([left], row.sign, style, [right], column)
    }

    /// What differs in content is shown whole, on up to four lines.
    private func whole(_ cell: StyledText, _ column: Int, _ digits: Int) -> [StyledText] {
        let indent = digits + 2
        let lines = cell.broken(at: column)
        guard let first = lines.first, lines.count > 1 else { return lines }
        let rest = cell.dropping(columns: first.width).broken(at: column - indent)
        return [first] + rest.prefix(3).map { StyledText(String(repeating: " ", count: indent)) + $0 }
    }

    private func join(
        _ left: [StyledText], _ sign: String, _ style: Style, _ right: [StyledText], _ column: Int
    ) -> [StyledText] {
        (0..<max(left.count, right.count)).map { index in
            (index < left.count ? left[index] : StyledText()).fit(to: column)
                + StyledText(" \(sign) ", style == .plain ? .dim : style)
                + (index < right.count ? right[index] : StyledText()).cut(to: column)
        }
    }

    /// `… 35 more TTSAudioRawFrame from speech`, on the sides where they are.
    private func more(_ count: Int, like row: BatchComparison.Row, column: Int, digits: Int) -> [StyledText] {
        func side(_ placed: PlacedFrame?) -> StyledText {
            guard let placed else { return StyledText() }
            return StyledText(String(repeating: " ", count: digits + 2), .dim)
                + StyledText("… \(Quantity.count(count)) more \(placed.frame.type.name) from ", .dim)
                + StyledText(name(ofBranch: placed.branch), Style.branch(placed.branch))
        }
        return join([side(row.left)], row.sign, row.style, [side(row.right)], column)
    }

    private func name(ofBranch branch: Int) -> String {
        branches.indices.contains(branch) ? branches[branch] : branch < 0 ? "stage" : "\(branch)"
    }

    private func cell(_ placed: PlacedFrame, _ style: Style, _ digits: Int) -> StyledText {
        let names = branches.map(\.displayWidth).max() ?? 0
        return StyledText("\(placed.position)", style.union(.dim)).fit(to: digits + 1, .right) + StyledText(" ")
            + StyledText(name(ofBranch: placed.branch), Style.branch(placed.branch)).fit(to: min(16, max(names, 5)))
            + StyledText(" ")
            + placed.frame.styled(style)
    }

    private func note(_ text: String?, _ digits: Int) -> StyledText {
        text.map { StyledText(String(repeating: " ", count: digits + 2) + $0, .dim) } ?? StyledText()
    }
}

extension BatchComparison.Row {
    /// What stands between the columns.
    fileprivate var sign: String {
        switch mark {
        case .missing: "−"
        case .extra: "+"
        case .same: hasOtherContent ? "≠" : "│"
        case .moved where hasOtherContent: "≠"
        case .moved: isLater ? "▼" : "▲"
        }
    }

    /// Whether two rows say the same of frames of one type and branch: they moved together.
    fileprivate func isAlike(_ other: BatchComparison.Row) -> Bool {
        func same(_ a: PlacedFrame?, _ b: PlacedFrame?) -> Bool {
            a?.branch == b?.branch && a?.frame.type == b?.frame.type
        }
        return mark == other.mark && hasOtherContent == other.hasOtherContent && shift == other.shift
            && same(left, other.left) && same(right, other.right)
    }

    /// By how many places the frame stands elsewhere on the other side.
    private var shift: Int? {
        guard let place = left?.position ?? right?.position, let other = otherPosition ?? right?.position else {
            return nil
        }
        return other - place
    }

    /// Whether the frame comes later on the right.
    private var isLater: Bool {
        if let left { return (otherPosition ?? 0) >= left.position }
        return (right?.position ?? 0) >= (otherPosition ?? 0)
    }

    fileprivate var style: Style {
        switch mark {
        case .missing: [.bold, .red]
        case .extra: [.bold, .green]
        case .moved: [.bold, .yellow]
        case .same: hasOtherContent ? [.bold, .magenta] : .plain
        }
    }
}
