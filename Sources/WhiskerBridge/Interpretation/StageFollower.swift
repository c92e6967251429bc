import PipelineEngine

/// Follows one stage of a bot: takes Whisker's records of it, tells its events.
///
/// It keeps what Pipecat's stage keeps: for each branch and direction a queue of what came out, and the batch that is
/// open. Pipecat takes from a branch's queue up to the next SyncFrame, whichever batch that was sent for, so outputs
/// and syncs go to the batch that takes them. Releases and bypasses are never predicted, only seen.
struct StageFollower: Sendable {
    /// How many names of system frames are remembered to know their copies by.
    static let rememberedNames = 4_096
    /// A stage hands a frame to its branches without a pause: no more than so many others come out of them meanwhile.
    static let longestSettling = 256

    let label: StageLabel
    let branches: Int
    let limits: WhiskerLimits
    var order: OrderInference
    var nextBatch: Int64 = 1
    var open: OpenBatch?
    /// False until a batch begins in view: whether one is open is not known then.
    var isKnown = false
    /// Whether records went missing since the recording began.
    var hasForgotten = false
    /// What came out of each branch and was not taken yet.
    var queues: [FrameDirection: [[Arrival]]]
    /// Outputs of interrupted batches, which Pipecat may yet release.
    var leftovers: [Arrival] = []
    /// System frames that went in and are not through yet.
    var passing: [FrameDirection: Set<FrameKey>] = [:]
    var copies = RecentKeys(limit: StageFollower.rememberedNames)
    /// An inbound frame of a type that has not shown yet whether it is a system frame.
    var unclassified: Unclassified?
    var start = Start.unseen
    /// For each branch the interrupted batch whose output may still come out of it.
    var staleFrom: [Int64]
    var arrivals: Int64 = 0
    var heldSize = 0
    var heldCount = 0
    /// The same for what was told of the open batch.
    var openSize = 0
    var slowestBatch: Int64 = 0
    /// When a branch last gave its SyncFrame back.
    var lastSync: Int64 = 0
    /// When a batch last ended.
    var lastEnd: Int64 = -1
    var hasEnded = false
    /// The branches that are a SyncFrame behind.
    var misaligned: [FrameDirection: Set<Int>] = [:]
    var hasToldExclusion = false
    var orderBreaks: [Finding] = []

    struct Unclassified: Sendable {
        var record: FrameRecord
        var firstBranch: Int?
        /// What came out of branches meanwhile: it can only be said afterwards what it belongs to.
        var arrivals: [(record: FrameRecord, branch: Int, time: Int64)] = []
    }

    enum Start: Sendable, Hashable {
        case unseen
        /// The branches that the StartFrame has not come out of.
        case entering(Set<Int>)
        case over
    }

    init(label: StageLabel, branches: Int, order: FrameOrder?, limits: WhiskerLimits) {
        self.label = label
        self.branches = branches
        self.limits = limits
        self.order = OrderInference(given: order)
        queues = StageFollower.emptyQueues(branches)
        staleFrom = Array(repeating: 0, count: branches)
    }

    static func emptyQueues(_ branches: Int) -> [FrameDirection: [[Arrival]]] {
        let queues = Array(repeating: [Arrival](), count: branches)
        return [.downstream: queues, .upstream: queues]
    }

    func isMisaligned(_ branch: Int, _ direction: FrameDirection) -> Bool {
        misaligned[direction]?.contains(branch) == true
    }

    /// The next record of the stage itself, or of one of its sources and sinks.
    mutating func take(_ record: FrameRecord, at role: Topology.Place.Role, _ narrator: inout Narrator) {
        switch (role, record.action, record.direction) {
        case (.stage, .process, _): comesIn(record, &narrator)
        case (.stage, .push, _): goesOut(record, &narrator)
        case (.source(let place), .process, .downstream), (.sink(let place), .process, .upstream):
            fansOut(record, into: place.branch, &narrator)
        case (.sink(let place), .process, .downstream), (.source(let place), .process, .upstream):
            arrives(record, from: place.branch, &narrator)
        default: break
        }
    }

    /// A record of any processor in one of the branches: where the SyncFrame is.
    mutating func follow(_ record: FrameRecord, in branch: Int, at time: Int64) {
        guard let marker = open?.markers[branch] else { return }
        if marker.name == record.name {
            open?.markers[branch]?.processor = record.processor
            open?.markers[branch]?.action = record.action
            open?.markers[branch]?.time = time
            open?.markers[branch]?.wasInterrupted = false
        } else if open?.synced[branch] == false,
            FrameType.known(String(record.typeName))?.isKind(of: .interruption) == true
        {
            open?.markers[branch]?.wasInterrupted = true
        }
    }

    /// Records are missing: whatever is open may be over.
    mutating func forget() {
        hasForgotten = true
        open = nil
        isKnown = false
        queues = StageFollower.emptyQueues(branches)
        (heldCount, heldSize) = (0, 0)
        leftovers = []
        passing = [:]
        unclassified = nil
        staleFrom = Array(repeating: 0, count: branches)
        misaligned = [:]
        if case .entering = start { start = .over }
    }
}

/// The last so many keys, by direction.
struct RecentKeys: Sendable {
    private struct Entry: Hashable {
        var key: FrameKey
        var direction: FrameDirection
    }

    private let limit: Int
    private var recent: Set<Entry> = []
    private var older: Set<Entry> = []

    init(limit: Int) { self.limit = limit }

    mutating func insert(_ key: FrameKey, _ direction: FrameDirection) {
        if recent.count >= limit { (older, recent) = (recent, []) }
        recent.insert(Entry(key: key, direction: direction))
    }

    func contains(_ key: FrameKey, _ direction: FrameDirection) -> Bool {
        let entry = Entry(key: key, direction: direction)
        return recent.contains(entry) || older.contains(entry)
    }
}
