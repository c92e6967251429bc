import PipelineEngine
import Recording
import SessionHistory

/// Records frames with bytes: a text in, and so many pieces of audio or images out.
struct MediaCase {
    var kind: MediaAnswer.Kind
    var texts: Int
    var framesPerText: Int
    var bytes: Int
    var payload = PayloadMode.full
    var history: String

    func run() async throws {
        removeHistory(history)
        let pipeline = try Pipeline([
            SyncParallelPipeline([[MediaAnswer(kind, frames: framesPerText, bytes: bytes)], [Silence()]])
        ])
        let recorded = try await RecordedSession.start(pipeline, at: history, payload: payload)
        let cpu = OwnUsage.cpuSeconds
        let start = monotonicTime()
        try await recorded.session.send(contentsOf: Texts(count: texts))
        try await recorded.end()
        let elapsed = seconds(since: start)
        let size = Double(texts * framesPerText * bytes)
        report("frames_per_s", Double(texts * framesPerText) / elapsed)
        report("mb_per_s", size / 1e6 / elapsed)
        report("cpu_us_per_frame", (OwnUsage.cpuSeconds - cpu) * 1e6 / Double(texts * framesPerText))
        report("rss_mb", OwnUsage.peakMB)
        report("payload", size)
    }
}

/// A history of many closed sessions.
struct ManyClosedSessionsCase {
    var sessions = 10_000
    /// Of payload in each.
    var bytes = 512 << 10
    var history: String

    func run() async throws {
        removeHistory(history)
        let history = try History.open(at: history, for: .writing)
        let processor = { MediaAnswer(.image, frames: 1, bytes: bytes) }
        let definition = try PipelineSession(Pipeline([SyncParallelPipeline([[processor()], [Silence()]])])).definition
        let image = processor()
        for _ in 0..<sessions {
            let recorder = try await SessionRecorder.start(in: history, definition: definition)
            let session = try PipelineSession(
                Pipeline([SyncParallelPipeline([[image], [Silence()]])]), observer: recorder)
            try await session.start()
            try await session.send(TextFrame("hello"))
            await session.end()
            try await recorder.close(state: .complete)
        }
        report("sessions", Double(sessions))
    }
}
