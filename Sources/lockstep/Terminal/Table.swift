/// Rows in columns that fit a width.
struct Table {
    struct Column {
        var title: String
        var alignment: Alignment = .left
        /// Whether the column gives way, to `least` columns, when the table is too wide.
        var canShrink = false
        var least = 8
    }

    let columns: [Column]
    /// Blanks before the first column.
    let indent: Int
    /// Row after row, the header first: one array, because a history may have many sessions.
    private var cells: [StyledText] = []
    /// Of the widest cell of each column.
    private var widest: [Int]

    init(_ columns: [Column], indent: Int = 0) {
        self.columns = columns
        self.indent = indent
        widest = columns.map { _ in 0 }
        if columns.contains(where: { !$0.title.isEmpty }) { add(columns.map { StyledText($0.title, .dim) }) }
    }

    /// Adds a row; what it has no cells for stays empty.
    mutating func add(_ row: consuming [StyledText]) {
        for index in row.indices { widest[index] = max(widest[index], row[index].width) }
        let missing = columns.count - row.count
        cells.append(contentsOf: row)
        if missing > 0 { cells.append(contentsOf: repeatElement(StyledText(), count: missing)) }
    }

    private var rowStarts: StrideTo<Int> { stride(from: 0, to: cells.count, by: columns.count) }

    /// The table's lines, header first; none wider than `width` unless its columns cannot shrink as far.
    func lines(width: Int) -> [StyledText] {
        let widths = columnWidths(fitting: width)
        return rowStarts.map { start in
            var line = StyledText(String(repeating: " ", count: indent))
            for index in columns.indices {
                let cell = cells[start + index].cut(to: widths[index])
                let blanks = blanks(around: cell.width, index, widths)
                line.append(String(repeating: " ", count: blanks.before))
                line += cell
                line.append(String(repeating: " ", count: blanks.after))
            }
            return line
        }
    }

    /// Gives each line as a terminal is given it, without building it as text first.
    func forEachLine<Failure: Error>(
        width: Int, inColour: Bool, _ body: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        let widths = columnWidths(fitting: width)
        var line: [UInt8] = []
        for start in rowStarts {
            line.removeAll(keepingCapacity: true)
            line.append(blanks: indent)
            for index in columns.indices {
                // Nearly every cell fits: asked and rendered in place, it is not copied.
                let fits = cells[start + index].width <= widths[index]
                let cut = fits ? nil : cells[start + index].cut(to: widths[index])
                let blanks = blanks(around: cut?.width ?? cells[start + index].width, index, widths)
                line.append(blanks: blanks.before)
                if let cut {
                    cut.render(inColour: inColour, into: &line)
                } else {
                    cells[start + index].render(inColour: inColour, into: &line)
                }
                line.append(blanks: blanks.after)
            }
            line.append(UInt8(ascii: "\n"))
            try body(line)
        }
    }

    /// The blanks before and behind a cell of this width; nothing stands behind the last one.
    private func blanks(around width: Int, _ index: Int, _ widths: [Int]) -> (before: Int, after: Int) {
        let padding = max(0, widths[index] - width)
        let gap = index < columns.count - 1 ? 2 : 0
        return columns[index].alignment == .right ? (padding, gap) : (0, gap == 0 ? 0 : padding + gap)
    }

    private func columnWidths(fitting width: Int) -> [Int] {
        var widths = widest
        var excess = widths.reduce(0, +) + 2 * max(0, widths.count - 1) + indent - width
        // The widest gives way first.
        while excess > 0 {
            let shrinking = columns.indices.filter { columns[$0].canShrink && widths[$0] > columns[$0].least }
            guard let widest = shrinking.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }
}

extension [UInt8] {
    fileprivate mutating func append(blanks count: Int) {
        for _ in 0..<count { append(UInt8(ascii: " ")) }
    }
}
