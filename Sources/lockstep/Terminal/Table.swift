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
    /// The cells, the header's first if any column has a title. Each is one or more spans: a byte for the style, printable UTF-8, and
    /// one of the marks, which nothing printable has in it.
    private var cells: [UInt8] = []
    private static let endOfSpan: UInt8 = 0x1e
    private static let endOfCell: UInt8 = 0x1f
    /// The column of the cell that is added next.
    private var column = 0
    private var rowCount = 0
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
    var isEmpty: Bool { rowCount == (hasHeader ? 1 : 0) }

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
        let spans = cell.spans
        if spans.isEmpty { cells.append(Style.plain.rawValue) }
        for (index, span) in spans.enumerated() {
            if index > 0 { cells.append(Self.endOfSpan) }
            cells.append(span.style.rawValue)
            cells.append(contentsOf: span.text.utf8)
        }
        endCell(width: cell.width)
    }

    /// Adds a cell as `add(StyledText(cell, style))` does; what is plain ASCII without making a text of it.
    mutating func add(_ cell: String, _ style: Style = .plain) {
        var cell = cell
        let width = cell.withUTF8 { bytes -> Int? in
            guard bytes.isPlainASCII else { return nil }
            cells.append(style.rawValue)
            cells.append(contentsOf: bytes)
            return bytes.count
        }
        if let width { endCell(width: width) } else { add(StyledText(cell, style)) }
    }

    private mutating func endCell(width: Int) {
        cells.append(Self.endOfCell)
        if width > widest[column] { widest[column] = width }
        column += 1
        guard column == widest.count else { return }
        column = 0
        rowCount += 1
    }

    // MARK: - Lines

    /// The table's lines, header first; none wider than `width` unless its columns cannot shrink as far.
    func lines(width: Int) -> [StyledText] {
        let widths = columnWidths(fitting: width)
        var lines: [StyledText] = []
        var place = 0
        for _ in 0..<rowCount {
            var line = StyledText()
            layOut(
                &place, widths, cell: { line += styledText($0) }, cut: { line += $0 },
                blanks: { line.append(String(repeating: " ", count: $0)) })
            lines.append(line)
        }
        return lines
    }

    /// Gives each line as a terminal is given it, without building it as text first.
    func forEachLine<Failure: Error>(
        width: Int, inColour: Bool, _ body: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        let widths = columnWidths(fitting: width)
        var line: [UInt8] = []
        var place = 0
        for _ in 0..<rowCount {
            line.removeAll(keepingCapacity: true)
            layOut(
                &place, widths,
                cell: { cell in
                    forEachSpan(of: cell) { $0.render($1, inColour: inColour, into: &line) }
                },
                cut: { $0.render(inColour: inColour, into: &line) },
                blanks: { line.append(contentsOf: repeatElement(UInt8(ascii: " "), count: $0)) })
            line.append(UInt8(ascii: "\n"))
            try body(line)
        }
    }

    /// Lays out the row whose first cell begins at `place`, and moves on to the next.
    ///
    /// - Parameters:
    ///   - cell: is given what stands as it is.
    ///   - cut: is given what had to be cut.
    private func layOut(
        _ place: inout Int, _ widths: [Int], cell: (Range<Int>) -> Void, cut: (StyledText) -> Void,
        blanks: (Int) -> Void
    ) {
        // Nothing stands behind the last column, and so the blanks stand before each.
        var gap = indent
        for index in columns.indices {
            let (range, width) = nextCell(&place)
            let isLeft = columns[index].alignment == .left
            let padding = max(0, widths[index] - width)
            if !isLeft { gap += padding }
            if gap > 0 { blanks(gap) }
            // Few columns shrink.
            if width > widths[index] { cut(styledText(range).cut(to: widths[index])) } else { cell(range) }
            gap = (isLeft ? padding : 0) + 2
        }
    }

    /// The bytes of the cell that begins at `place`, without its end, and its width in columns.
    private func nextCell(_ place: inout Int) -> (Range<Int>, width: Int) {
        let start = place
        var isASCII = true
        // Bytes that are no text: styles, whatever their value, and marks between spans.
        var others = 1
        place += 1
        while cells[place] != Self.endOfCell {
            if cells[place] == Self.endOfSpan {
                others += 2
                place += 1
            } else if cells[place] >= 0x80 {
                isASCII = false
            }
            place += 1
        }
        defer { place += 1 }
        return (start..<place, isASCII ? place - start - others : styledText(start..<place).width)
    }

    /// Gives `body` the style and the text of each span of a cell.
    private func forEachSpan(of cell: Range<Int>, _ body: (Style, ArraySlice<UInt8>) -> Void) {
        var start = cell.lowerBound
        while start < cell.upperBound {
            let text = cells[start + 1..<cell.upperBound].prefix { $0 != Self.endOfSpan }
            body(Style(rawValue: cells[start]), text)
            start = text.endIndex + 1
        }
    }

    private func styledText(_ cell: Range<Int>) -> StyledText {
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
