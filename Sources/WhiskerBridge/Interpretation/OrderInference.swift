import PipelineEngine

/// Finds a stage's frame order by its releases: each batch that the two orders would release differently has a vote.
struct OrderInference: Sendable {
    private let given: FrameOrder?
    private var votes: [FrameOrder: Int64] = [:]

    init(given: FrameOrder?) { self.given = given }

    /// nil when nothing has spoken for either order, or something for both.
    var order: FrameOrder? {
        if let given { return given }
        return votes.count == 1 ? votes.keys.first : nil
    }

    /// Counts what a batch says, and gives the first place at which it breaks the order of arrival.
    mutating func count(_ batch: ReleasedBatch) -> ReleasedBatch.Break? {
        let pipeline = batch.inPipelineOrder
        // Pipecat's order of arrival is that in which it took the frames from the branches.
        let followsArrival = batch.released == batch.taken || batch.released == batch.arrived
        if followsArrival != (batch.released == pipeline) {
            if followsArrival { votes[.arrival, default: 0] += 1 }
            if batch.released == pipeline { votes[.pipeline, default: 0] += 1 }
        }
        guard batch.released == batch.taken, let first = batch.firstBreak else { return nil }
        return first
    }
}

/// The frames of one released batch in its direction, each once, as positions in the order in which they were told.
struct ReleasedBatch: Sendable {
    /// In the order of release, of being taken from the branches, and of arrival.
    var released: [Int]
    var taken: [Int]
    var arrived: [Int]
    /// The branch of each, by its position.
    var branches: [Int: Int]

    /// One frame that left before another which had arrived earlier.
    struct Break: Sendable, Hashable {
        var frame: Int
        var expected: Int
    }

    var inPipelineOrder: [Int] {
        // Swift's sort is stable since 5.8 in fact but not in promise: the place decides where branches are equal.
        taken.enumerated().sorted { left, right in
            let branches = (branches[left.element] ?? 0, branches[right.element] ?? 0)
            return branches.0 == branches.1 ? left.offset < right.offset : branches.0 < branches.1
        }.map(\.element)
    }

    var firstBreak: Break? {
        for (frame, expected) in zip(released, arrived) where frame != expected {
            return Break(frame: frame, expected: expected)
        }
        return nil
    }
}
