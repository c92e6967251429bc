/// How long to wait before the next attempt: a tenth of a second at first, twice as long each time, up to the longest.
struct BackOff: Sendable {
    private static let first: Duration = .milliseconds(100)

    private let longest: Duration
    private var delay = BackOff.first

    init(longest: Duration) { self.longest = longest }

    mutating func next() -> Duration {
        defer { delay = min(delay * 2, longest) }
        return delay
    }

    mutating func reset() { delay = BackOff.first }
}
