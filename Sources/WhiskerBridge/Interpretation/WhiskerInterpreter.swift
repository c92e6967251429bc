import PipelineEngine

/// Turns the messages of one of Whisker's sessions into its steps, without the first and the last of them.
struct WhiskerInterpreter: Sendable {
    private let orders: KnownOrders.Session
    private let limits: WhiskerLimits
    private var topology = Topology()
    private var followers: [StageFollower] = []
    private var narrator: Narrator
    private var numbers = RecordNumbers()
    private let startedAt: Double
    /// The time of the last record.
    private(set) var end: Int64 = 0

    /// - Parameter startedAt: when the session's time begins, in seconds since 1970.
    /// - Throws: `WhiskerError` when there are too many stages.
    init(
        _ snapshot: WhiskerMessage.Snapshot, startedAt: Double, orders: KnownOrders.Session,
        limits: WhiskerLimits
    ) throws(WhiskerError) {
        self.orders = orders
        self.limits = limits
        self.startedAt = startedAt
        narrator = Narrator(limits: limits)
        for worker in snapshot.workers { _ = try add(worker) }
    }

    var definition: SessionDefinition { topology.definition }

    /// Adds a finding about the recording itself to the next steps.
    mutating func tell(_ finding: Finding) { narrator.tell(finding) }

    /// The steps that a message makes.
    mutating func take(_ message: WhiskerMessage) throws(WhiskerError) -> [WhiskerStep] {
        switch message {
        case .frame(let record): take(record)
        case .workerAdded(let worker): if try add(worker) { narrator.tell(.definition(definition)) }
        case .busMessage(let message): end = max(end, time(message.timestamp))
        case .snapshot, .other: break
        }
        return narrator.take()
    }

    private mutating func add(_ worker: WhiskerMessage.Worker) throws(WhiskerError) -> Bool {
        let added = try topology.add(worker, orders: orders, limits: limits)
        for number in added {
            let stage = definition.stages[number]
            let label = StageLabel(number: number, name: stage.name, branches: stage.branches.map(\.name))
            followers.append(
                StageFollower(label: label, branches: stage.branches.count, order: orders[number], limits: limits))
        }
        return !added.isEmpty
    }

    private mutating func take(_ record: FrameRecord) {
        narrator.now = time(record.timestamp)
        end = max(end, narrator.now)
        if let gap = numbers.take(record.number, from: record.worker) {
            narrator.tell(RecordingGap.recordsMissing(after: gap.after, count: gap.count).finding)
            for index in followers.indices { followers[index].forget() }
        }
        guard let place = topology.place(worker: record.worker, processor: record.processor) else { return }
        switch place.role {
        case .stage(let stage): followers[stage].take(record, at: place.role, &narrator)
        case .source(let branch), .sink(let branch): followers[branch.stage].take(record, at: place.role, &narrator)
        case .processor: break
        }
        // A SyncFrame that went into an inner stage is with that stage, not with the processors inside of it.
        guard let branch = place.inside.last else { return }
        followers[branch.stage].follow(record, in: branch.branch, at: narrator.now)
    }

    /// Ends the session.
    ///
    /// - Parameter time: when the recording stopped, in seconds since 1970; nil for the time of the last record.
    mutating func finish(_ ending: WhiskerSummary.Ending, at time: Double?) -> [WhiskerStep] {
        end = max(end, time.map(self.time) ?? 0)
        for index in followers.indices {
            let (topology, stage) = (topology, followers[index].label.number)
            followers[index].finish(
                at: end,
                next: { topology.next(after: $0, in: Topology.BranchPlace(stage: stage, branch: $1)) }, &narrator)
            self.topology.setOrder(followers[index].order.order, ofStage: stage)
        }
        narrator.tellCounted()
        switch ending {
        case .damaged(let error): narrator.tell(RecordingGap.damaged(error).finding)
        case .lost(let error): narrator.tell(RecordingGap.lost(error).finding)
        case .complete, .stopped: break
        }
        narrator.tell(.definition(definition))
        return narrator.take()
    }

    /// Adds what the interpreter has counted.
    func count(into summary: inout WhiskerSummary) {
        summary.duration = end
        summary.events = narrator.lastSequence
        summary.batches = narrator.batches
        summary.batchesWithoutHead = narrator.batchesWithoutHead
        summary.openBatches = Int64(followers.count { $0.open != nil })
        summary.findings = narrator.findings
        summary.missingRecords = numbers.missed
        summary.stagesWithoutOrder = definition.stages.filter { $0.frameOrder == nil }.map(\.number)
    }

    /// ns since the session's start; never negative.
    private func time(_ timestamp: Double) -> Int64 {
        let nanoseconds = ((timestamp - startedAt) * 1e9).rounded()
        let latest = Double(SessionEvent.maxTime).nextDown
        return nanoseconds > 0 ? Int64(exactly: min(nanoseconds, latest)) ?? 0 : 0
    }
}
