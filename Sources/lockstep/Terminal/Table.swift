/// Rows in columns that fit a width.
///
/// What is in the cells is kept as bytes, row after row: a history lists thousands of sessions, and a text for each of their cells takes
/// longer to make, lay out and let go of than the session to read.
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
    /// The cells, the header's first if any column has a title.
    private var cells: [Cell] = []
    /// What is in them, one behind the other: of each its spans, a byte for the style and printable UTF-8, and a mark between two,
    /// which nothing printable has in it.
    private var content: [UInt8] = []
    private static let endOfSpan: UInt8 = 0x1f
    /// The column of the cell that is added next.
    private var column = 0
    /// Of the widest cell of each column.
    private var widest: [Int]

    /// What is in a cell, or the text of a span.
    private typealias Content = UnsafeBufferPointer<UInt8>

    private struct Cell {
        /// Of its content.
        var bytes: Int
        /// In columns of the terminal.
        var width: Int
    }

    init(_ columns: [Column], indent: Int = 0) {
        self.columns = columns
        self.indent = indent
        widest = columns.map { _ in 0 }
        if hasHeader { add(columns.map { StyledText($0.title, .dim) }) }
    }

    private var hasHeader: Bool { columns.contains { !$0.title.isEmpty } }

    /// Whether it has no row but the header.
    var isEmpty: Bool { cells.count == (hasHeader ? columns.count : 0) }

    // MARK: - Rows

    /// Adds a row.
    ///
    /// - Precondition: it has a cell for each column.
    mutating func add(_ row: [StyledText]) {
        precondition(row.count == columns.count, "a row of \(row.count) cells in a table of \(columns.count) columns")
        for cell in row { add(cell) }
    }

    /// Adds a cell: the next in its row, or the first of the next row.
    mutating func add(_ cell: StyledText) {
        let start = content.count
        for span in cell.spans {
            if content.count > start { content.append(Self.endOfSpan) }
            content.append(span.style.rawValue)
            content.append(contentsOf: span.text.utf8)
        }
        endCell(from: start, width: cell.width)
    }

    /// Adds a cell as `add(StyledText(cell, style))` does; what is plain ASCII without making a text of it.
    mutating func add(_ cell: String, _ style: Style = .plain) {
        let start = content.count
        var cell = cell
        let isPlain = cell.withUTF8 { bytes in
            guard bytes.isPlainASCII, !bytes.isEmpty else { return false }
            content.append(style.rawValue)
            content.append(contentsOf: bytes)
            return true
        }
        if isPlain { endCell(from: start, width: content.count - start - 1) } else { add(StyledText(cell, style)) }
    }

    private mutating func endCell(from start: Int, width: Int) {
        cells.append(Cell(bytes: content.count - start, width: width))
        if width > widest[column] { widest[column] = width }
        column = column + 1 == widest.count ? 0 : column + 1
    }

    // MARK: - Lines

    /// The table's lines, header first; none wider than `width` unless its columns cannot shrink as far.
    func lines(width: Int) -> [StyledText] {
        var lines: [StyledText] = []
        var line = StyledText()
        layOut(
            width: width, cell: { line += styledText($0) }, cut: { line += $0 },
            blanks: { line.append(String(repeating: " ", count: $0)) },
            end: {
                lines.append(line)
                line = StyledText()
            })
        return lines
    }

    /// Gives each line as a terminal is given it, without building it as text first.
    func forEachLine<Failure: Error>(
        width: Int, inColour: Bool, _ body: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        var line: [UInt8] = []
        try layOut(
            width: width,
            cell: { cell in forEachSpan(of: cell) { $0.render($1, inColour: inColour, into: &line) } },
            cut: { $0.render(inColour: inColour, into: &line) },
            blanks: { line.append(contentsOf: repeatElement(UInt8(ascii: " "), count: $0)) },
            end: { () throws(Failure) in
                line.append(UInt8(ascii: "\n"))
                try body(line)
                line.removeAll(keepingCapacity: true)
            })
    }

    /// Lays out all rows.
    ///
    /// - Parameters:
    ///   - cell: is given what is in a cell that stands as it is.
    ///   - cut: is given what had to be cut.
    ///   - end: is called behind each row.
    private func layOut<Failure: Error>(
        width: Int, cell: (Content) -> Void, cut: (StyledText) -> Void, blanks: (Int) -> Void,
        end: () throws(Failure) -> Void
    ) throws(Failure) {
        let widths = columnWidths(fitting: width)
        // By pointer, which is not counted as slices of an array are, one or two for each cell. None outlives this call.
        try content.withUnsafeBufferPointer { content throws(Failure) in
            var start = 0
            for row in stride(from: 0, through: cells.count - columns.count, by: columns.count) {
                // Nothing stands behind the last column, and so the blanks stand before each.
                var gap = indent
                for column in columns.indices {
                    let next = cells[row + column]
                    let place = start..<start + next.bytes
                    start = place.upperBound
                    let isLeft = columns[column].alignment == .left
                    let padding = widths[column] - next.width
                    if !isLeft { gap += max(0, padding) }
                    if gap > 0 { blanks(gap) }
                    let bytes = Content(rebasing: content[place])
                    // Few columns shrink.
                    if padding < 0 { cut(styledText(bytes).cut(to: widths[column])) } else { cell(bytes) }
                    gap = (isLeft ? max(0, padding) : 0) + 2
                }
                try end()
            }
        }
    }

    /// Gives `body` the style and the text of each span of a cell.
    private func forEachSpan(of cell: Content, _ body: (Style, Content) -> Void) {
        var start = 0
        while start < cell.count {
            let text = Content(rebasing: cell[(start + 1)...].prefix { $0 != Self.endOfSpan })
            body(Style(rawValue: cell[start]), text)
            start += text.count + 2
        }
    }

    private func styledText(_ cell: Content) -> StyledText {
        var styled = StyledText()
        forEachSpan(of: cell) { styled.append(String(decoding: $1, as: UTF8.self), $0) }
        return styled
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
