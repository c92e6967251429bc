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
        return rowsWithHeader.map { cells in
            var line = StyledText()
            layOut(cells, widths, text: { line += $0 }, blanks: { line.append(String(repeating: " ", count: $0)) })
            return line
        }
    }

    /// Gives each line as a terminal is given it, without building it as text first: a history may have many sessions.
    func forEachLine<Failure: Error>(
        width: Int, inColour: Bool, _ body: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        let widths = columnWidths(fitting: width)
        var line: [UInt8] = []
        for cells in rowsWithHeader {
            line.removeAll(keepingCapacity: true)
            layOut(
                cells, widths, text: { $0.render(inColour: inColour, into: &line) },
                blanks: { line.append(contentsOf: repeatElement(UInt8(ascii: " "), count: $0)) })
            line.append(UInt8(ascii: "\n"))
            try body(line)
        }
    }

    private var rowsWithHeader: [[StyledText]] {
        guard columns.contains(where: { !$0.title.isEmpty }) else { return rows }
        return [columns.map { StyledText($0.title, .dim) }] + rows
    }

    private func layOut(_ cells: [StyledText], _ widths: [Int], text: (StyledText) -> Void, blanks: (Int) -> Void) {
        if indent > 0 { blanks(indent) }
        for (index, cell) in cells.enumerated() {
            let cell = cell.cut(to: widths[index])
            let padding = widths[index] - cell.width
            let isLeft = columns[index].alignment == .left
            if !isLeft, padding > 0 { blanks(padding) }
            text(cell)
            // Nothing stands behind the last column.
            if index < cells.count - 1 { blanks((isLeft ? padding : 0) + 2) }
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
