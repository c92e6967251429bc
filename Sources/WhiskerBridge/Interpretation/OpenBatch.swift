import PipelineEngine

/// The batch that a stage is at work on.
struct OpenBatch: Sendable {
    /// The frame that opened it.
    struct Inbound: Sendable {
        var name: String
        var type: FrameType
        /// Of its event, 0 where the recording does not have it.
        var sequence: Int64
    }

    /// Where the frame is that a branch has to give back: the SyncFrame, or the EndFrame itself.
    struct Marker: Sendable {
        var name: String
        var processor: String
        var action: FrameRecord.Action
        var time: Int64
        /// Whether an interruption went through the branch since the marker was last seen.
        var wasInterrupted = false
    }

    struct Output: Sendable {
        enum State: Sendable, Hashable {
            case pending, released, duplicate, dropped
        }

        var arrival: Arrival
        /// Of its event.
        var sequence: Int64
        /// Whether it came after its branch's SyncFrame of the batch before, or between two batches.
        var isLate: Bool
        var state = State.pending
    }

    let number: Int64
    let direction: FrameDirection
    let openedAt: Int64
    /// nil when the recording does not say.
    var inbound: Inbound?
    /// Whether its event is not in the recording.
    var isHeadless: Bool { (inbound?.sequence ?? 0) == 0 }
    var markers: [Marker?]
    var synced: [Bool]
    /// Whether Pipecat has taken a frame of the branch yet: an EndFrame that is not the first is lost.
    var hasTaken: [Bool]
    private(set) var outputs: [Output] = []
    /// Indices into `outputs` in the order in which Pipecat took them from the branches.
    private(set) var taken: [Int] = []
    /// Indices of the EndFrames among them that were not the first of their branch.
    private(set) var lostEnds: Set<Int> = []
    /// Told in an earlier batch, taken in this one.
    var earlier: [Arrival] = []
    /// Indices in the order of release.
    private(set) var released: [Int] = []
    var positions: [FrameDirection: Int] = [:]
    var emissions: [Int]
    var hasReleased: Bool { lastReleaseAt != nil }
    var lastReleaseAt: Int64?
    private(set) var hasReleasedEnd = false
    /// How many outputs Pipecat is sure to release yet.
    private(set) var expected = 0
    private var byFrame: [Passage: [Int]] = [:]

    private struct Passage: Hashable {
        var key: FrameKey
        var direction: FrameDirection
    }

    init(number: Int64, direction: FrameDirection, inbound: Inbound?, branches: Int, openedAt: Int64) {
        self.number = number
        self.direction = direction
        self.inbound = inbound
        self.openedAt = openedAt
        markers = Array(repeating: nil, count: branches)
        synced = Array(repeating: false, count: branches)
        hasTaken = Array(repeating: false, count: branches)
        emissions = Array(repeating: 0, count: branches)
    }

    var isEnd: Bool { inbound?.type.isKind(of: .end) ?? false }
    var isInterruptible: Bool { inbound?.type.isInterruptible ?? true }
    var allSynced: Bool { synced.allSatisfy { $0 } }

    /// Taken and not released: the indices of outputs.
    var unreleased: [Int] { taken.filter { outputs[$0].state == .pending } }

    /// Outputs of one frame and direction, in the order in which they were told.
    func outputs(of key: FrameKey, _ direction: FrameDirection) -> [Int] {
        byFrame[Passage(key: key, direction: direction)] ?? []
    }

    mutating func add(_ output: Output) {
        let passage = Passage(key: output.arrival.key, direction: output.arrival.direction)
        byFrame[passage, default: []].append(outputs.count)
        outputs.append(output)
    }

    /// Pipecat takes an output from its branch, and will release it.
    mutating func take(_ index: Int) {
        taken.append(index)
        expected += 1
    }

    /// Pipecat took an EndFrame that was not the first of its branch: it does not release it.
    mutating func lose(_ index: Int) {
        lostEnds.insert(index)
        expected -= 1
    }

    /// An output of the batch's own direction was released, or left out as a duplicate.
    mutating func settle(_ index: Int, as state: Output.State) {
        outputs[index].state = state
        let arrival = outputs[index].arrival
        guard arrival.direction == direction else { return }
        if state == .released { released.append(index) }
        if state == .released, arrival.isEnd { hasReleasedEnd = true }
        if !lostEnds.contains(index) { expected -= 1 }
    }

    mutating func position(_ direction: FrameDirection) -> Int {
        defer { positions[direction, default: 0] += 1 }
        return positions[direction, default: 0]
    }
}
