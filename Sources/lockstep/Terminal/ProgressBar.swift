/// How far a long piece of work has come: a line on standard error that appears after half a second, only where a person
/// reads it, and is wiped away at the end.
struct ProgressBar: Sendable {
    private let descriptor: Int32
    private let label: String
    private let total: Int64
    private let isShown: Bool
    private let began = ContinuousClock.now
    private var nextDraw: ContinuousClock.Instant
    private var hasDrawn = false

    /// - Parameter total: in the unit of `update`; 0 if it is not known.
    init(_ label: String, total: Int64, on terminal: Terminal) {
        descriptor = terminal.errors.descriptor
        self.label = label.printable
        self.total = total
        isShown = terminal.errors.isTerminal
        nextDraw = began + .milliseconds(500)
    }

    /// Cheap enough to be called for every item.
    mutating func update(_ done: Int64) {
        guard isShown, done & 0x3f == 0 || done == total else { return }
        let now = ContinuousClock.now
        guard now >= nextDraw else { return }
        nextDraw = now + .milliseconds(100)
        hasDrawn = true
        let errors = OutputStream(descriptor: descriptor, name: "standard error")
        redraw(line(done: done, after: now - began, width: errors.columns ?? 80), errors)
    }

    private func redraw(_ line: String, _ errors: OutputStream) {
        try? errors.write("\r\u{1b}[K" + line)
        try? errors.flush()
    }

    /// Wipes the line.
    mutating func finish() {
        guard hasDrawn else { return }
        hasDrawn = false
        redraw("", OutputStream(descriptor: descriptor, name: "standard error"))
    }

    func line(done: Int64, after elapsed: Duration, width: Int) -> String {
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
        guard total > 0 else { return StyledText("\(label)  \(done)").cut(to: width - 1).plain }
        let share = min(1, Double(done) / Double(total))
        let cells = 24
        let full = Int(share * Double(cells))
        let bar = String(repeating: "█", count: full) + String(repeating: "░", count: cells - full)
        let left = share > 0.02 ? "  \(Int((seconds / share - seconds).rounded(.up))) s left" : ""
        return StyledText("\(label)  \(bar) \(Int(share * 100)) %\(left)").cut(to: width - 1).plain
    }
}
