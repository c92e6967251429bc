import PipelineEngine
import Testing

@testable import WhiskerBridge

/// The steps of one session, sorted by kind.
struct Interpreted {
    var source: WhiskerSource?
    var definition = SessionDefinition()
    var events: [SessionEvent] = []
    var findings: [Finding] = []
    /// The findings, and the late outputs, whose events are findings by themselves.
    var defects: [Finding] = []
    var summary: WhiskerSummary?

    /// The sessions in `steps`.
    static func sessions(_ steps: [WhiskerStep]) -> [Interpreted] {
        var sessions: [Interpreted] = []
        var current = Interpreted()
        for step in steps {
            switch step {
            case .started(let source, let definition):
                current = Interpreted(source: source, definition: definition)
            case .definition(let definition): current.definition = definition
            case .event(let event):
                current.events.append(event)
                if event.kind == .late {
                    current.defects.append(
                        Finding(
                            .lateOutput, .warning, stage: event.stage, batch: event.batch, branch: event.branch,
                            sequence: event.sequence, detail: event.detail ?? ""))
                }
            case .finding(let finding):
                current.findings.append(finding)
                current.defects.append(finding)
            case .ended(let summary):
                current.summary = summary
                sessions.append(current)
            }
        }
        return sessions
    }

    /// The one session that `bytes` hold.
    init(_ bytes: [UInt8], order: FrameOrder? = nil, limits: WhiskerLimits = WhiskerLimits()) throws {
        var stream = WhiskerStream(order: order, limits: limits)
        try self.init(stream.read(bytes) + stream.end(.complete))
    }

    /// The one session that `steps` tell.
    init(_ steps: [WhiskerStep]) throws {
        let sessions = Interpreted.sessions(steps)
        try #require(sessions.count == 1)
        self = sessions[0]
    }

    private init(source: WhiskerSource? = nil, definition: SessionDefinition = SessionDefinition()) {
        self.source = source
        self.definition = definition
    }
}

extension Interpreted {
    /// The frame that an event is about: its own, or that of its subject.
    func frame(_ event: SessionEvent) -> String {
        if let frame = event.frame { return frame.name }
        guard (1...Int64(events.count)).contains(event.subject) else { return "?" }
        return events[Int(event.subject) - 1].frame?.name ?? "?"
    }

    func events(_ stage: Int, _ kinds: SessionEvent.Kind...) -> [SessionEvent] {
        events.filter { $0.stage == stage && kinds.contains($0.kind) }
    }

    /// What left a stage, in order: names with `^` in front of those that went upstream.
    func left(_ stage: Int) -> [String] {
        events(stage, .release, .bypass).map { ($0.direction == .upstream ? "^" : "") + frame($0) }
    }

    /// One line for each event: what tests compare.
    var lines: [String] { events.map(line) }

    private func line(_ event: SessionEvent) -> String {
        var line = "\(event.kind) s\(event.stage) b\(event.batch)"
        if event.branch >= 0 { line += " branch \(event.branch)" }
        if event.direction == .upstream { line += " up" }
        if event.frame != nil || event.subject > 0 { line += " \(frame(event))" }
        if event.emission >= 0 { line += " e\(event.emission) a\(event.arrival)" }
        if event.position >= 0 { line += " p\(event.position)" }
        if let outcome = event.outcome { line += " -> \(outcome)" }
        return line
    }

    /// One for each defect: kind, place and the frame's event.
    var findingLines: [String] {
        defects.map { finding in
            var line = "\(finding.kind.rawValue) s\(finding.stage) b\(finding.batch)"
            if finding.branch >= 0 { line += " branch \(finding.branch)" }
            if finding.sequence > 0, let event = events.first(where: { $0.sequence == finding.sequence }) {
                line += " \(frame(event))"
            }
            return line
        }
    }
}
