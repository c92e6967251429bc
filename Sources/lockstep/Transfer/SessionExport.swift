internal import PipelineEngine
internal import PipelineFiles
internal import SessionHistory

/// A session of a history as JSON lines (docs/FORMATS.md).
struct SessionExport {
    private let history: History
    private let session: SessionSummary

    init(_ history: History, _ session: SessionSummary) {
        self.history = history
        self.session = session
    }

    /// Writes the session; returns the number of its events.
    ///
    /// - Parameter progress: is told the number of batches begun so far.
    func write(to stream: OutputStream, progress: (Int64) -> Void) throws -> Int64 {
        var writer = SessionLineWriter()
        writer.write(
            SessionLineHead(
                uuid: session.uuid, name: session.name, source: session.source, startedAt: session.startedAt,
                payload: session.payload == .full ? nil : session.payload.rawValue,
                definition: try history.definition(of: session.session)))
        var events: Int64 = 0
        var batches: Int64 = 0
        try history.forEachEvent(of: session.session) { event in
            // The frame of an event with a subject is that of its subject.
            writer.write(event, writesFrame: event.subject == 0)
            try stream.write(writer.bytes)
            writer.removeAll()
            events += 1
            if event.kind == .inbound {
                batches += 1
                progress(batches)
            }
            return true
        }
        for finding in try history.storedFindings(of: session.session) { writer.write(SessionLineFinding(finding)) }
        writer.write(SessionLineEnd(state: session.state.rawValue, endedAt: session.endedAt, events: events))
        try stream.write(writer.bytes)
        try stream.flush()
        return events
    }
}

extension SessionLineFinding {
    fileprivate init(_ finding: SessionHistory.Finding) {
        self.init(
            sequence: finding.sequence, stage: finding.stage, batch: finding.batch, branch: finding.branch,
            kind: finding.kind, severity: finding.severity.rawValue, detail: finding.detail)
    }
}
