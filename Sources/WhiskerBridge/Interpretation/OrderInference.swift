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
        // Pipecat's order of arrival is that in which it took the frames from the branches.
        let followsArrival = batch.released == batch.taken || batch.released == batch.arrived
        if followsArrival != (batch.released == batch.byBranch) {
            if followsArrival { votes[.arrival, default: 0] += 1 }
            if batch.released == batch.byBranch { votes[.pipeline, default: 0] += 1 }
        }
        guard batch.released == batch.taken, let first = batch.firstBreak else { return nil }
        return first
    }
}

/// The frames of one released batch in its direction, each once: in the order of release, and in those it could have had.
struct ReleasedBatch: Sendable {
    var released: [Int]
    /// In the order in which Pipecat took them from the branches.
    var taken: [Int]
    var arrived: [Int]
    /// Branch after branch: the order of the pipeline's definition.
    var byBranch: [Int]

    /// One frame that left before another which had arrived earlier.
    struct Break: Sendable, Hashable {
        var frame: Int
        var expected: Int
    }

    var firstBreak: Break? {
        for (frame, expected) in zip(released, arrived) where frame != expected {
            return Break(frame: frame, expected: expected)
        }
        return nil
    }
}
