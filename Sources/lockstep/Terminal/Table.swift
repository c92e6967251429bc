/// Rows in columns that fit a width.
struct Table {
    struct Column {
        var title: String
        var alignment: Alignment = .left
        /// Whether the column gives way, to `least` columns, when the table is too wide.
        var canShrink = false
        var least = 8
    }

    var columns: [Column]
    private(set) var rows: [[StyledText]] = []
    /// Blanks before the first column.
    var indent = 0

    init(_ columns: [Column], indent: Int = 0) {
        self.columns = columns
        self.indent = indent
    }

    mutating func add(_ cells: [StyledText]) { rows.append(cells) }

    /// The table's lines, header first; none wider than `width` unless its columns cannot shrink as far.
    func lines(width: Int) -> [StyledText] {
        let widths = columnWidths(fitting: width)
        let header = columns.map { StyledText($0.title, .dim) }
        let isHeaded = columns.contains { !$0.title.isEmpty }
        return ((isHeaded ? [header] : []) + rows).map { cells in
            var line = StyledText(String(repeating: " ", count: indent))
            for (index, cell) in cells.enumerated() {
                if index > 0 { line.append("  ") }
                let isLast = index == cells.count - 1 && columns[index].alignment == .left
                line += isLast ? cell.cut(to: widths[index]) : cell.fit(to: widths[index], columns[index].alignment)
            }
            return line
        }
    }

    private func columnWidths(fitting width: Int) -> [Int] {
        var widths = columns.map(\.title.displayWidth)
        for row in rows { for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.width) } }
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
