/// Text with colours: what is printed to people. Whatever goes in is made printable first.
struct StyledText: Sendable, Equatable, ExpressibleByStringInterpolation {
    struct Span: Sendable, Equatable {
        let text: String
        var style: Style
        /// In columns; asked for several times by everything that lays text out.
        let width: Int

        /// - Parameter text: printable already.
        init(text: String, style: Style) {
            self.text = text
            self.style = style
            width = text.displayWidth
        }

        /// - Parameter plain: printable ASCII.
        init(plain: String, style: Style) {
            text = plain
            self.style = style
            width = plain.utf8.count
        }
    }

    /// Nearly every text is one span: kept in place, it costs no memory of its own. Empty if there is none: an optional one would
    /// be copied by the runtime.
    private var first = Span(plain: "", style: .plain)
    private var others: [Span] = []

    var spans: [Span] { first.text.isEmpty ? [] : [first] + others }

    init() {}

    init(_ text: some StringProtocol, _ style: Style = .plain) {
        if text.isEmpty { return }
        first =
            text.isPlainASCII
            ? Span(plain: String(text), style: style) : Span(text: text.printable, style: style)
    }

    init(stringLiteral value: String) { self.init(value) }

    static func + (left: StyledText, right: StyledText) -> StyledText {
        var joined = left
        joined += right
        return joined
    }

    static func += (left: inout StyledText, right: StyledText) {
        left.append(right.first)
        for span in right.others { left.append(span) }
    }

    private mutating func append(_ span: Span) {
        if span.text.isEmpty { return }
        if first.text.isEmpty { first = span } else { others.append(span) }
    }

    mutating func append(_ text: some StringProtocol, _ style: Style = .plain) { self += StyledText(text, style) }

    /// In columns.
    var width: Int { others.reduce(first.width) { $0 + $1.width } }

    var plain: String { spans.reduce(into: "") { $0 += $1.text } }

    /// The same text, every span in this style as well.
    func styled(_ style: Style) -> StyledText {
        var text = self
        if !first.text.isEmpty { text.first.style.formUnion(style) }
        for index in text.others.indices { text.others[index].style.formUnion(style) }
        return text
    }

    /// At most `columns` wide, an ellipsis at the end of what was cut.
    func cut(to columns: Int) -> StyledText {
        guard columns > 0 else { return StyledText() }
        if width <= columns { return self }
        var cut = StyledText()
        var left = columns - 1
        for span in spans {
            let fitting = span.text.prefix(columns: left)
            left -= fitting.displayWidth
            if fitting.endIndex < span.text.endIndex {
                cut.append(Span(text: fitting + "…", style: span.style))
                return cut
            }
            cut.append(span)
        }
        return cut
    }

    /// Lines of at most `columns`, broken wherever they are full: for what must be seen whole.
    func broken(at columns: Int) -> [StyledText] {
        var lines: [StyledText] = []
        var line = StyledText()
        var left = columns
        for span in spans {
            var rest = Substring(span.text)
            while !rest.isEmpty {
                let fitting = rest.prefix(columns: left)
                if fitting.isEmpty {
                    if left == columns { break }
                    lines.append(line)
                    line = StyledText()
                    left = columns
                    continue
                }
                line.append(Span(text: String(fitting), style: span.style))
                left -= fitting.displayWidth
                rest = rest[fitting.endIndex...]
            }
        }
        return lines + [line]
    }

    /// The text behind the first so many columns.
    func dropping(columns: Int) -> StyledText {
        var left = columns
        var rest = StyledText()
        for span in spans {
            let dropped = span.text.prefix(columns: left)
            left -= dropped.displayWidth
            let text = span.text[dropped.endIndex...]
            if !text.isEmpty { rest.append(Span(text: String(text), style: span.style)) }
        }
        return rest
    }

    /// Lines of at most `columns`, broken at spaces where there are any. For text of one style.
    func wrapped(to columns: Int) -> [StyledText] {
        let style = spans.first?.style ?? .plain
        var lines: [StyledText] = []
        var line = ""
        for word in plain.split(separator: " ", omittingEmptySubsequences: false) {
            let longer = line.isEmpty ? String(word) : line + " " + word
            if !line.isEmpty, longer.displayWidth > columns {
                lines.append(StyledText(line, style))
                line = String(word)
            } else {
                line = longer
            }
        }
        return lines + [StyledText(line, style)]
    }

    /// Exactly `columns` wide.
    func fit(to columns: Int, _ alignment: Alignment = .left) -> StyledText {
        let text = cut(to: columns)
        let padding = StyledText(String(repeating: " ", count: max(0, columns - text.width)))
        return alignment == .left ? text + padding : padding + text
    }

    /// Appends it as a terminal, or a file, is given it, with or without colours: UTF-8.
    func render(inColour: Bool, into bytes: inout [UInt8]) {
        first.style.render(first.text.utf8, inColour: inColour, into: &bytes)
        for span in others { span.style.render(span.text.utf8, inColour: inColour, into: &bytes) }
    }

    func rendered(inColour: Bool) -> String {
        var bytes: [UInt8] = []
        render(inColour: inColour, into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

enum Alignment: Sendable {
    case left, right
}

/// How a piece of text looks: of the 16 colours that every terminal has, so that the user's theme decides.
struct Style: OptionSet, Sendable {
    let rawValue: UInt8

    static let plain: Style = []
    static let bold = Style(rawValue: 1 << 0)
    static let dim = Style(rawValue: 1 << 1)
    static let red = Style(rawValue: 1 << 2)
    static let green = Style(rawValue: 1 << 3)
    static let yellow = Style(rawValue: 1 << 4)
    static let blue = Style(rawValue: 1 << 5)
    static let magenta = Style(rawValue: 1 << 6)
    static let cyan = Style(rawValue: 1 << 7)

    /// A colour for each branch, the same everywhere; they repeat after five.
    static func branch(_ number: Int) -> Style {
        let colours: [Style] = [.cyan, .magenta, .yellow, .blue, .green]
        return number < 0 ? .dim : colours[number % colours.count]
    }

    /// Appends text of this style as a terminal, or a file, is given it.
    func render(_ text: some Collection<UInt8>, inColour: Bool, into bytes: inout [UInt8]) {
        let isStyled = inColour && !isEmpty
        if isStyled { bytes.append(contentsOf: "\u{1b}[\(codes)m".utf8) }
        bytes.append(contentsOf: text)
        if isStyled { bytes.append(contentsOf: "\u{1b}[0m".utf8) }
    }

    private var codes: String {
        let all: [(Style, String)] = [
            (.bold, "1"), (.dim, "2"), (.red, "31"), (.green, "32"), (.yellow, "33"), (.blue, "34"),
            (.magenta, "35"), (.cyan, "36"),
        ]
        return all.filter { contains($0.0) }.map(\.1).joined(separator: ";")
    }
}

extension StringProtocol {
    /// The longest beginning that fits into so many columns.
    fileprivate func prefix(columns: Int) -> SubSequence {
        var left = columns
        var end = startIndex
        while end < endIndex {
            left -= self[end].displayWidth
            if left < 0 { break }
            end = index(after: end)
        }
        return self[..<end]
    }
}
