/// Where in the log the latest events of a session are: sequence → log id.
///
/// The events that one commit holds of a session follow each other in the log, so a run of them is two numbers; a session
/// that is recorded alone is a single run.
struct SequenceMap {
    private struct Run {
        var firstSequence: Int64
        /// Log id minus sequence.
        var offset: Int64
    }

    /// 15 seconds' worth, when every commit has its own run.
    private static let maxRuns = 1024

    private var runs: [Run] = []

    @inline(__always)
    mutating func add(sequence: Int64, event: Int64) {
        if let last = runs.last, last.offset == event - sequence { return }
        if runs.count >= Self.maxRuns { runs.removeFirst(Self.maxRuns / 2) }
        runs.append(Run(firstSequence: sequence, offset: event - sequence))
    }

    /// The log id of an event; nil when it is older than what is kept.
    @inline(__always)
    func event(_ sequence: Int64) -> Int64? {
        var index = runs.count - 1
        while index >= 0 {
            if runs[index].firstSequence <= sequence { return runs[index].offset + sequence }
            index -= 1
        }
        return nil
    }
}
