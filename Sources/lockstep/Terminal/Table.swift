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
    /// The header first, if any column has a title.
    private var rows: [[StyledText]] = []
    /// Of the widest cell of each column.
    private var widest: [Int]

    init(_ columns: [Column], indent: Int = 0) {
        self.columns = columns
        self.indent = indent
        widest = columns.map { _ in 0 }
        if hasHeader { add(columns.map { StyledText($0.title, .dim) }) }
    }

    private var hasHeader: Bool { columns.contains { !$0.title.isEmpty } }

    /// Whether it has no row but the header.
    var isEmpty: Bool { rows.count == (hasHeader ? 1 : 0) }

    /// Adds a row.
    ///
    /// - Precondition: it has a cell for each column.
    mutating func add(_ row: [StyledText]) {
        precondition(row.count == columns.count, "a row of \(row.count) cells in a table of \(columns.count) columns")
        for index in row.indices { widest[index] = max(widest[index], row[index].width) }
        rows.append(row)
    }

    /// The table's lines, header first; none wider than `width` unless its columns cannot shrink as far.
    func lines(width: Int) -> [StyledText] {
        let widths = columnWidths(fitting: width)
        return rows.map { row in
            var line = StyledText()
            layOut(
                row, widths, text: { line += $0 },
                blanks: { line.append(String(repeating: " ", count: $0)) })
            return line
        }
    }

    /// Gives each line as a terminal is given it, without building it as text first.
    func forEachLine<Failure: Error>(
        width: Int, inColour: Bool, _ body: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        let widths = columnWidths(fitting: width)
        var line: [UInt8] = []
        for row in rows {
            line.removeAll(keepingCapacity: true)
            layOut(
                row, widths, text: { $0.render(inColour: inColour, into: &line) },
                blanks: { line.append(contentsOf: repeatElement(UInt8(ascii: " "), count: $0)) })
            line.append(UInt8(ascii: "\n"))
            try body(line)
        }
    }

    private func layOut(_ row: [StyledText], _ widths: [Int], text: (StyledText) -> Void, blanks: (Int) -> Void) {
        func place(_ cell: StyledText, _ index: Int) {
            let padding = widths[index] - cell.width
            let isLeft = columns[index].alignment == .left
            if !isLeft { blanks(padding) }
            text(cell)
            // Nothing stands behind the last column.
            if index < columns.count - 1 { blanks((isLeft ? padding : 0) + 2) }
        }
        blanks(indent)
        for index in columns.indices {
            // Few columns shrink; what is not cut is not copied.
            if widths[index] < widest[index] {
                place(row[index].cut(to: widths[index]), index)
            } else {
                place(row[index], index)
            }
        }
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
