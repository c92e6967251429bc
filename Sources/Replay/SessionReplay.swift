public import PipelineEngine
public import SessionHistory
internal import Synchronization

/// Reruns a session of a history, stage by stage, and compares what is released with what was recorded.
public struct SessionReplay: Sendable {
    public let history: History
    public let session: Int64
    public let definition: SessionDefinition

    /// A rerun of all stages of this session.
    public init(_ history: History, session: Int64) throws {
        self.history = history
        self.session = session
        definition = try history.definition(of: session)
    }

    /// The runs that answer what an order would have changed: the recorded order, and whichever of the two is not the one
    /// of every stage.
    public var usefulOrders: [RecordedOrder] {
        let orders = Set(definition.stages.map(\.frameOrder))
        if orders == [.arrival] { return [.recorded, .pipeline] }
        if orders == [.pipeline] { return [.recorded, .arrival] }
        return orders.contains(nil) ? [.arrival, .pipeline] : [.recorded, .arrival, .pipeline]
    }

    /// Reruns the session in one order.
    ///
    /// A stage whose order is not known, as that of a Pipecat bot may be, is rerun in `.arrival` as its recorded order.
    ///
    /// - Parameters:
    ///   - isKept: whether the history, opened for writing, keeps the run.
    ///   - progress: is told the number of batches done so far.
    public func run(
        _ order: RecordedOrder, isKept: Bool = true, progress: @escaping @Sendable (Int64) -> Void = { _ in }
    ) async throws -> ReplayReport {
        let log = isKept ? try history.beginReplay(of: session, order: order) : nil
        var report = ReplayReport(order: order, stages: [], replay: log?.replay)
        do {
            for stage in definition.stages {
                let done = report.stages.reduce(0) { $0 + $1.batches }
                report.stages.append(try await run(stage, order, log: log) { progress(done + $0) })
            }
        } catch {
            try? log?.finish(
                verdict: ReplayReport.Verdict.failed.rawValue, differingBatches: Int(report.differingBatches))
            throw error
        }
        try log?.finish(verdict: report.verdict.rawValue, differingBatches: Int(report.differingBatches))
        return report
    }

    private func run(
        _ stage: SessionDefinition.Stage, _ order: RecordedOrder, log: ReplayLog?,
        progress: @escaping @Sendable (Int64) -> Void
    ) async throws -> ReplayReport.Stage {
        let frameOrder = Self.frameOrder(order, of: stage)
        let result = Mutex(
            ReplayReport.Stage(
                stage: stage.number, name: stage.name, order: frameOrder,
                isRecordedOrder: stage.frameOrder.map { $0 == frameOrder }))
        let keeper = log.map { ReleaseKeeper($0) }
        let rerun = StageRerun(stage: stage, order: frameOrder, stallRule: try stallRule(of: stage))
        let source = PageSource(try history.events(of: session, content: .order, stage: stage.number))
        try await rerun.run(
            { try source.next() },
            { batch in
                let count = result.withLock { result in
                    result.add(batch, recordedOrder: stage.frameOrder)
                    return result.batches
                }
                if let rerun = batch.rerun { try keeper?.add(rerun) }
                progress(count)
            })
        try keeper?.flush()
        return result.withLock { $0 }
    }

    /// Plays the frames that a session released out again, in time.
    ///
    /// What leaves the last of the outermost stages is what left the pipeline.
    ///
    /// - Parameters:
    ///   - stage: another stage's releases.
    ///   - pace: awaited before each moment at which something happens, in ns since the session's start.
    ///   - output: is given each frame the moment it is released.
    public func play(
        _ order: RecordedOrder, stage number: Int? = nil, pace: @escaping @Sendable (Int64) async throws -> Void,
        output: @escaping @Sendable (PipelineEngine.ReleasedFrame) -> Void
    ) async throws {
        let stage = definition.stages.last { $0.number == number || number == nil && $0.parent == nil }
        guard let stage else { return }
        var rerun = StageRerun(
            stage: stage, order: Self.frameOrder(order, of: stage), stallRule: try stallRule(of: stage))
        rerun.pace = pace
        rerun.output = output
        let source = PageSource(try history.events(of: session, content: .full, stage: stage.number))
        try await rerun.run({ try source.next() }, { _ in })
    }

    private static func frameOrder(_ order: RecordedOrder, of stage: SessionDefinition.Stage) -> FrameOrder {
        switch order {
        case .recorded: stage.frameOrder ?? .arrival
        case .arrival: .arrival
        case .pipeline: .pipeline
        }
    }

    /// The rule that the stage's first recorded stall shows.
    private func stallRule(of stage: SessionDefinition.Stage) throws -> StallRule {
        let stalled = try history.findings(of: session).first { $0.kind == "stall" && $0.stage == stage.number }
        guard let batch = stalled?.batch, batch > 0 else { return .never }
        var recorded = RecordedBatch(stage: stage.number, batch: batch)
        try history.forEachEvent(of: session, content: .order, stage: stage.number, batches: batch...batch) { event in
            // What comes after the batch's end no longer shows what ended it.
            if recorded.outcome == nil { recorded.add(event) }
            return true
        }
        return StallRule(shownBy: recorded) ?? .never
    }
}

/// Pages of events, for a closure that may run anywhere.
private final class PageSource: Sendable {
    private let pages: Mutex<EventPages>

    init(_ pages: EventPages) { self.pages = Mutex(pages) }

    func next() throws -> [SessionEvent]? { try pages.withLock { try $0.next() } }
}

/// Hands what a rerun releases to the history, many rows at a time.
private final class ReleaseKeeper: Sendable {
    private let log: ReplayLog
    private let rows = Mutex<[ReleaseRow]>([])
    private static let capacity = 1_000

    init(_ log: ReplayLog) { self.log = log }

    func add(_ batch: RecordedBatch) throws {
        let isFull = rows.withLock { rows in
            for placed in batch.recordedRelease {
                rows.append(
                    ReleaseRow(
                        stage: batch.stage, batch: batch.batch, direction: placed.direction.rawValue,
                        position: placed.position, branch: placed.branch < 0 ? nil : placed.branch,
                        frameID: placed.frame.id,
                        frameName: placed.frame.name, frameType: placed.frame.type.name))
            }
            return rows.count >= Self.capacity
        }
        if isFull { try flush() }
    }

    func flush() throws {
        let full = rows.withLock { rows in
            defer { rows.removeAll(keepingCapacity: true) }
            return rows
        }
        if !full.isEmpty { try log.append(full) }
    }
}
