import Testing

@testable import lockstep

@Suite("What is printed to people")
struct TextTests {
    @Test("Controls are written out, so that no frame can steer the terminal")
    func controls() {
        #expect("a\u{1b}[31mb\nc\td\u{0}\u{7f}\u{9b}".printable == "a\\x1b[31mb\\nc\\td\\0\\x7f\\u{9b}")
        #expect("\u{202e}gnp.exe\u{2066}\u{2028}".printable == "\\u{202e}gnp.exe\\u{2066}\\u{2028}")
        #expect("Grüße, 世界 👩‍👩‍👧".printable == "Grüße, 世界 👩‍👩‍👧")
        #expect(StyledText("\r\u{1b}]0;title\u{7}").plain == "\\r\\x1b]0;title\\x07")
    }

    @Test(
        "Width counts columns, not characters",
        arguments: [
            ("plain", 5), ("Grüße", 5), ("世界", 4), ("e\u{301}", 1), ("👩‍👩‍👧", 2), ("❤️", 2), ("한글", 4), ("", 0),
            ("ｗｉｄｅ", 8), ("🇩🇪", 2),
        ])
    func width(text: String, columns: Int) { #expect(text.displayWidth == columns) }

    @Test("Cutting keeps to the columns and says that something is cut")
    func cutting() {
        #expect(StyledText("hello").cut(to: 5).plain == "hello")
        #expect(StyledText("hello!").cut(to: 5).plain == "hell…")
        #expect(StyledText("世界世界").cut(to: 4).plain == "世…")
        #expect((StyledText("ab", .red) + StyledText("cdef", .bold)).cut(to: 4).plain == "abc…")
        #expect((StyledText("ab", .red) + StyledText("cdef", .bold)).cut(to: 3).plain == "ab…")
        #expect(StyledText("x").cut(to: 0).plain == "")
        #expect(StyledText("世").fit(to: 4).plain == "世  ")
        #expect(StyledText("7").fit(to: 3, .right).plain == "  7")
    }

    @Test("Breaking keeps every character and its colour")
    func breaking() {
        let text = StyledText("ab世", .red) + StyledText("cdef", .bold)
        #expect(text.broken(at: 3).map(\.plain) == ["ab", "世c", "def"])
        #expect(text.broken(at: 3)[1].spans.map(\.style) == [.red, .bold])
        #expect(text.dropping(columns: 4) == StyledText("cdef", .bold))
        #expect(StyledText("one two three").wrapped(to: 7).map(\.plain) == ["one two", "three"])
    }

    @Test("Colours are codes around the text, or nothing")
    func colours() {
        let text = StyledText("a", [.bold, .red]) + StyledText("b")
        #expect(text.rendered(inColour: true) == "\u{1b}[1;31ma\u{1b}[0mb")
        #expect(text.rendered(inColour: false) == "ab")
    }

    @Test("A table gives way where it may, widest column first")
    func table() {
        var table = Table([
            .init(title: "n", alignment: .right), .init(title: "name", canShrink: true), .init(title: "what"),
        ])
        table.add(["1", "a rather long name", "x"])
        table.add(["12", "short", "yes"])
        #expect(
            table.lines(width: 80).map(\.plain) == [
                " n  name                what", " 1  a rather long name  x", "12  short               yes",
            ])
        #expect(
            table.lines(width: 20).map(\.plain) == [" n  name        what", " 1  a rather …  x", "12  short       yes"])
    }

    @Test("A table's lines are the same as text and as bytes, whatever is in its cells")
    func tableBytes() {
        let cells: [StyledText] = [
            "", "plain", StyledText("dim", .dim), StyledText("two", .green) + StyledText("styles", .bold),
            StyledText("a", .red) + StyledText("世界", [.bold, .cyan]) + "c",
            "Grüße 👩‍👩‍👧", StyledText("\u{1e}x\u{1f}\n\u{1}", .bold), StyledText("long enough to be cut", .yellow),
            StyledText("a style like a mark", Style(rawValue: 0x1f)) + "x",
        ]
        var table = Table(
            [
                .init(title: "left", canShrink: true), .init(title: "右", alignment: .right),
                .init(title: "", canShrink: true),
            ],
            indent: 1)
        var expected: [[StyledText]] = []
        for first in cells {
            for second in cells {
                for third in cells {
                    table.add([first, second, third])
                    expected.append([first, second, third])
                }
            }
        }
        for width in [200, 50, 12] {
            let lines = table.lines(width: width)
            #expect(lines.count == expected.count + 1)
            for inColour in [false, true] {
                var bytes: [[UInt8]] = []
                table.forEachLine(width: width, inColour: inColour) { bytes.append($0) }
                #expect(bytes == lines.map { Array($0.rendered(inColour: inColour).utf8) + [UInt8(ascii: "\n")] })
            }
        }
        for (line, row) in zip(table.lines(width: 200).dropFirst(), expected) {
            let widths = [21, 21]
            let joined =
                " " + row[0].fit(to: widths[0]) + "  " + row[1].fit(to: widths[1], .right) + "  " + row[2]
            #expect(line.plain == joined.plain)
            #expect(line.width == joined.width)
        }
    }

    @Test("A cell given as a string is the cell of its text")
    func plainCells() {
        for text in ["", "plain", "7", "Grüße", "\u{1f}\u{1e}\n", "\u{1b}[31m"] {
            var strings = Table([.init(title: "a"), .init(title: "b")])
            strings.add(text, .red)
            strings.add("|")
            var texts = Table([.init(title: "a"), .init(title: "b")])
            texts.add([StyledText(text, .red), "|"])
            #expect(strings.lines(width: 80) == texts.lines(width: 80))
            #expect(rendered(strings) == rendered(texts))
        }
        #expect(Table([.init(title: "a")]).isEmpty)
    }

    private func rendered(_ table: Table) -> [UInt8] {
        var bytes: [UInt8] = []
        table.forEachLine(width: 80, inColour: true) { bytes += $0 }
        return bytes
    }

    @Test("A progress line says how far and how long")
    func progress() {
        let bar = ProgressBar("reading", total: 200, on: Terminal(colour: .never))
        #expect(
            bar.line(done: 50, after: .seconds(2), width: 80) == "reading  ██████░░░░░░░░░░░░░░░░░░ 25 %  6 s left")
        #expect(bar.line(done: 50, after: .seconds(2), width: 16) == "reading  █████…")
    }
}
