import PipelineEngine
import Recording
import SessionHistory

/// Inbound frames per second through one stage, with or without a recording.
struct RateCase {
    var frames = 100_000
    var branches = 2
    var kind = ProcessorKind.immediate
    /// The history to record to; nil for none.
    var history: String?

    var payload = PayloadMode.full
    /// Whether released frames are held until their events are committed.
    var isWrittenAhead = false

    func run() async throws {
        let pipeline = try answeringPipeline(branches: branches, kind)
        let counter = ReleaseCounter()
        if let path = history {
            removeHistory(path)
            let recorded = try await RecordedSession.start(
                pipeline, at: path, payload: payload, writeAhead: isWrittenAhead
            ) { counter.add($0) }
            // A recording counts until its last row is committed.
            try await measure(recorded.session, counter) { try await recorded.end() }
        } else {
            let session = try PipelineSession(pipeline) { counter.add($0) }
            try await session.start()
            try await measure(session, counter) { await session.end() }
        }
    }

    private func measure(
        _ session: PipelineSession, _ counter: ReleaseCounter, end: () async throws -> PipelineSession.Ending
    ) async throws {
        let cpu = OwnUsage.cpuSeconds
        let start = monotonicTime()
        try await session.send(contentsOf: Texts(count: frames))
        _ = try await end()
        let elapsed = seconds(since: start)
        // The end frame goes through the stage as well.
        let expected = frames * branches + 1
        guard counter.count == expected else { throw Failure("\(counter.count) releases instead of \(expected)") }
        report("frames_per_s", Double(frames) / elapsed)
        report("cpu_us_per_frame", (OwnUsage.cpuSeconds - cpu) * 1e6 / Double(frames))
        report("rss_mb", OwnUsage.peakMB)
    }
}

/// Something came out that should not have.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
