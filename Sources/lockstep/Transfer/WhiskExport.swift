internal import PipelineEngine
internal import SessionHistory
internal import WhiskerBridge

/// A session of a history as a `.whisk` file, which Pipecat's debugger shows.
struct WhiskExport {
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
        var writer = WhiskWriter(
            definition: try history.definition(of: session.session),
            source: WhiskerSource(startedAt: Moment.secondsSince1970(iso: session.startedAt) ?? 0),
            findings: try history.storedFindings(of: session.session).map(PipelineEngine.Finding.init))
        try stream.write(writer.header())
        var events: Int64 = 0
        var batches: Int64 = 0
        try history.forEachEvent(of: session.session) { event in
            try stream.write(writer.write(event))
            events += 1
            if event.kind == .inbound {
                batches += 1
                progress(batches)
            }
            return true
        }
        try stream.flush()
        return events
    }
}
