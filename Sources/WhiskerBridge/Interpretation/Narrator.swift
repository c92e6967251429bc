import PipelineEngine

/// Gives events and findings out, numbered.
struct Narrator: Sendable {
    private(set) var steps: [WhiskerStep] = []
    private(set) var lastSequence: Int64 = 0
    private(set) var findings: Int64 = 0
    var batches: Int64 = 0
    var batchesWithoutHead: Int64 = 0
    var builder = FrameBuilder()
    /// When the record at hand was written, in ns since the session's start.
    var now: Int64 = 0
    private let limits: WhiskerLimits
    private var findingCounts: [FindingPlace: Int] = [:]

    private struct FindingPlace: Hashable {
        var stage: Int
        var kind: Finding.Kind
    }

    init(limits: WhiskerLimits) { self.limits = limits }

    /// Everything told since the last call.
    mutating func take() -> [WhiskerStep] {
        defer { steps = [] }
        return steps
    }

    mutating func tell(_ step: WhiskerStep) { steps.append(step) }

    /// Tells an event; its sequence is the next one, its time `now` unless given.
    ///
    /// - Returns: its sequence.
    @discardableResult
    mutating func tell(_ kind: SessionEvent.Kind, at time: Int64? = nil, _ fill: (inout SessionEvent) -> Void) -> Int64
    {
        lastSequence += 1
        var event = SessionEvent(sequence: lastSequence, time: time ?? now, kind: kind)
        fill(&event)
        if kind == .late { findings += 1 }
        steps.append(.event(event))
        return lastSequence
    }

    /// Tells a finding, unless there were too many of its kind in its stage already: those are counted.
    mutating func tell(_ finding: Finding) {
        findings += 1
        let place = FindingPlace(stage: finding.stage, kind: finding.kind)
        findingCounts[place, default: 0] += 1
        guard findingCounts[place, default: 0] <= limits.findingsPerKind else { return }
        steps.append(.finding(finding))
    }

    /// Says how many findings were only counted.
    mutating func tellCounted() {
        let counted = findingCounts.filter { $0.value > limits.findingsPerKind }
        for (place, count) in counted.sorted(by: {
            ($0.key.stage, $0.key.kind.rawValue) < ($1.key.stage, $1.key.kind.rawValue)
        }) {
            let more = count - limits.findingsPerKind
            steps.append(
                .finding(
                    Finding(
                        place.kind, .note, stage: place.stage,
                        detail: "the same was seen \(more) times more; the first \(limits.findingsPerKind) are listed"))
            )
        }
    }
}
