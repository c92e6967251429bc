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

    func run() async throws {
        let pipeline = try answeringPipeline(branches: branches, kind)
        let counter = ReleaseCounter()
        if let path = history {
            removeHistory(path)
            // Made before the session, which is given it; told the definition of a session like it.
            let probe = try PipelineSession(answeringPipeline(branches: branches, kind))
            let recorder = try await SessionRecorder.start(
                in: History.open(at: path, for: .writing), definition: probe.definition)
            try await measure(PipelineSession(pipeline, observer: recorder) { counter.add($0) }, counter, recorder)
        } else {
            try await measure(PipelineSession(pipeline) { counter.add($0) }, counter, nil)
        }
    }

    private func measure(
        _ session: PipelineSession, _ counter: ReleaseCounter, _ recorder: SessionRecorder?
    ) async throws {
        try await session.start()
        let cpu = OwnUsage.cpuSeconds
        let start = monotonicTime()
        try await session.send(contentsOf: Texts(count: frames))
        await session.end()
        // The end frame goes through the stage as well.
        let expected = frames * branches + 1
        guard counter.count == expected else { throw Failure("\(counter.count) releases instead of \(expected)") }
        // A recording counts until its last row is committed.
        if let recorder {
            try await recorder.close(state: .complete)
        }
        let elapsed = seconds(since: start)
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
