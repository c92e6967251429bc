import DequeModule

/// The state of one stage's synchronization, as a pure machine: values in, decisions out; it neither waits, nor locks, nor
/// touches a queue.
///
/// One batch is open at a time (C3). The owner
/// 1. calls `open` when it accepts a frame,
/// 2. reports each `output` and `sync` of a branch,
/// 3. and when a sync completes the batch, takes `close` to learn what to release.
///
/// Every output belongs to the batch with which it is released, whichever batch caused it (C13).
struct SyncBarrier {
    /// An output as it waits for its release.
    struct Output: ReleasableOutput {
        let parcel: Parcel
        let direction: FrameDirection
        let branch: Int
        let emission: Int
        let arrival: Int
        let isLate: Bool
        /// The sequence under which the owner recorded it.
        var sequence: Int64 = 0

        var outputBranch: Int { branch }
        var outputDirection: FrameDirection { direction }
        var outputFrameID: Int64 { parcel.id }
        var outputType: FrameType { parcel.type }
    }

    /// What became of a SyncFrame that a branch gave back.
    enum SyncDecision: Equatable {
        /// Other branches still owe theirs.
        case waiting
        /// It was the last one: the batch is to be closed.
        case complete
        /// It belongs to a batch that ended without it (C12).
        case overdue
        /// No branch owed it: dropped, an anomaly (C6).
        case stray
    }

    /// How an output was taken.
    enum OutputDecision: Equatable {
        case output
        /// The branch owes no SyncFrame, or still one of an earlier batch (C13).
        case late
    }

    private struct Branch {
        var emissions = 0
        /// The batches whose SyncFrames the branch has yet to give back, oldest first: at most the open one, and those
        /// that ended without it.
        var owed: Deque<Int64> = []
    }

    private var branches: [Branch]
    private var waitingFor = 0
    /// Outputs of the open batch; between batches, the late ones of the next.
    private(set) var outputs: [Output] = []
    private var arrivals = 0

    /// The number of the batch opened last, 0 before the first.
    private(set) var batch: Int64 = 0
    private(set) var isOpen = false
    /// Whether the open batch was interrupted: its interruptible outputs are dropped as they come.
    private(set) var isInterrupted = false

    /// The batch to which an output that arrives now belongs.
    var currentBatch: Int64 { isOpen ? batch : batch + 1 }

    init(branches count: Int) { branches = Array(repeating: Branch(), count: count) }

    /// Opens the next batch and returns its number.
    ///
    /// - Precondition: none is open.
    mutating func open() -> Int64 {
        precondition(!isOpen, "a stage opens one batch at a time")
        batch += 1
        isOpen = true
        waitingFor = branches.count
        for index in branches.indices { branches[index].owed.append(batch) }
        return batch
    }

    /// The emission and arrival of the next output of a branch.
    func nextPlace(in branch: Int) -> (emission: Int, arrival: Int) { (branches[branch].emissions, arrivals) }

    /// Takes an output of a branch; it is the last of `outputs` afterwards.
    mutating func output(_ parcel: consuming Parcel, _ direction: FrameDirection, from branch: Int) -> OutputDecision {
        let isOnTime = isOpen && branches[branch].owed.first == batch
        outputs.append(
            Output(
                parcel: parcel, direction: direction, branch: branch, emission: branches[branch].emissions,
                arrival: arrivals,
                isLate: !isOnTime))
        branches[branch].emissions += 1
        arrivals += 1
        return isOnTime ? .output : .late
    }

    /// Notes the sequence under which the latest output was recorded.
    mutating func recordedLatestOutput(as sequence: Int64) { outputs[outputs.count - 1].sequence = sequence }

    /// Takes the SyncFrame of a batch back from a branch.
    mutating func sync(of number: Int64, from branch: Int) -> SyncDecision {
        guard branches[branch].owed.first == number else { return .stray }
        branches[branch].owed.removeFirst()
        guard isOpen, number == batch else { return .overdue }
        waitingFor -= 1
        return waitingFor == 0 ? .complete : .waiting
    }

    /// The branches that have not given back the SyncFrame of the open batch.
    var missing: [Int] { isOpen ? branches.indices.filter { branches[$0].owed.last == batch } : [] }

    /// Marks the open batch as interrupted (C10) and returns the interruptible outputs, which are dropped; between batches
    /// those are the late ones.
    mutating func interrupt() -> [Output] {
        isInterrupted = isOpen
        let dropped = outputs.filter(\.parcel.isDroppedByInterruption)
        outputs.removeAll(where: \.parcel.isDroppedByInterruption)
        return dropped
    }

    /// Ends the open batch and puts its outputs, in the order of their arrival, into `ended`, whose buffer serves the next
    /// batch. Branches that still owe its SyncFrame go on owing it.
    mutating func close(into ended: inout [Output]) {
        isOpen = false
        isInterrupted = false
        waitingFor = 0
        arrivals = 0
        for index in branches.indices { branches[index].emissions = 0 }
        ended.removeAll(keepingCapacity: true)
        swap(&ended, &outputs)
    }
}
