internal import Synchronization

/// A line of counts on standard error that is written over as they grow, only where a person reads it.
final class LiveLine: Sendable {
    private struct State {
        var nextDraw = ContinuousClock.now
        var hasDrawn = false
    }

    private let descriptor: Int32
    private let isShown: Bool
    private let state = Mutex(State())

    init(on terminal: Terminal) {
        descriptor = terminal.errors.descriptor
        isShown = terminal.errors.isTerminal
    }

    /// Cheap enough to be called for every event.
    func show(_ counts: LiveCounts) {
        guard isShown else { return }
        state.withLock { state in
            let now = ContinuousClock.now
            guard now >= state.nextDraw else { return }
            state.nextDraw = now + .milliseconds(100)
            state.hasDrawn = true
            var line =
                "recording  \(Quantity.count(counts.inbound)) in · \(Quantity.count(counts.outputs, "output")) · "
                + "\(Quantity.count(counts.released)) released"
            if counts.findings > 0 { line += " · \(Quantity.count(counts.findings, "finding"))" }
            // A line that wraps could not be written over.
            write("\r\u{1b}[K" + StyledText(line).cut(to: (errors.columns ?? 80) - 1).plain)
        }
    }

    /// Says something that stays, on a line of its own.
    func note(_ text: String) {
        state.withLock { state in
            write((state.hasDrawn ? "\r\u{1b}[K" : "") + text.printable + "\n")
            state.hasDrawn = false
        }
    }

    /// Wipes the line.
    func finish() {
        state.withLock { state in
            if state.hasDrawn { write("\r\u{1b}[K") }
            state.hasDrawn = false
        }
    }

    private var errors: OutputStream { OutputStream(descriptor: descriptor, name: "standard error") }

    private func write(_ text: String) {
        let errors = errors
        try? errors.write(text)
        try? errors.flush()
    }
}
