/// How long to wait before the next attempt: a tenth of a second at first, twice as long each time, five at the most.
struct BackOff: Sendable {
    private static let first: Duration = .milliseconds(100)
    private static let longest: Duration = .seconds(5)

    private var delay = BackOff.first

    mutating func next() -> Duration {
        defer { delay = min(delay * 2, BackOff.longest) }
        return delay
    }

    mutating func reset() { delay = BackOff.first }
}
