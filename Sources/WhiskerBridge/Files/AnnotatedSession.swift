import PipelineEngine

/// A session that `WhiskWriter` wrote: its events come back from what was added to Whisker's records.
struct AnnotatedSession: Sendable {
    private var reader: AnnotationReader
    private let source: WhiskerSource
    /// The batch that is open in each stage.
    private var open: [Int: Int64] = [:]
    /// The last one of each stage.
    private var last: [Int: Int64] = [:]
    private var events: Int64 = 0
    private var end: Int64 = 0
    /// Late outputs, whose events are findings by themselves.
    private var late: Int64 = 0
    private var batches: Int64 = 0
    private var batchesWithoutHead: Int64 = 0

    init(
        _ annotation: MessagePackValue, source: WhiskerSource, limits: WhiskerLimits
    ) throws(WhiskerError) {
        reader = try AnnotationReader(annotation, limits: limits)
        self.source = source
    }

    /// How the session begins.
    var opening: [WhiskerStep] { [.started(source, reader.definition)] }

    mutating func take(_ message: WhiskerMessage) throws(WhiskerError) -> [WhiskerStep] {
        let annotation: MessagePackValue? =
            switch message {
            case .frame(let record): record.annotation
            case .busMessage(let message): message.annotation
            case .snapshot, .workerAdded, .other: nil
            }
        guard let annotation else { return [] }
        let event = try reader.event(annotation, sequence: events + 1)
        events = event.sequence
        end = max(end, event.time)
        count(event)
        return [.event(event)]
    }

    /// How it ends. Its findings were made before it was exported.
    mutating func finish(_ ending: WhiskerSummary.Ending) -> [WhiskerStep] {
        var steps = reader.findings.map(WhiskerStep.finding)
        if case .damaged(let error) = ending { steps.append(.finding(RecordingGap.damaged(error).finding)) }
        return steps + [.definition(reader.definition)]
    }

    private mutating func count(_ event: SessionEvent) {
        if event.kind == .late { late += 1 }
        guard event.batch > 0, event.stage >= 0 else { return }
        if open[event.stage] != event.batch, event.batch > last[event.stage, default: 0] {
            (open[event.stage], last[event.stage]) = (event.batch, event.batch)
            batches += 1
            if event.kind != .inbound { batchesWithoutHead += 1 }
        }
        if event.outcome != nil { open[event.stage] = nil }
    }

    func count(into summary: inout WhiskerSummary) {
        summary.duration = end
        summary.events = events
        summary.batches = batches
        summary.batchesWithoutHead = batchesWithoutHead
        summary.openBatches = Int64(open.count)
        summary.findings = Int64(reader.findings.count) + late
        summary.stagesWithoutOrder = reader.definition.stages.filter { $0.frameOrder == nil }.map(\.number)
    }
}
