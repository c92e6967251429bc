import PipelineEngine
import Recording
import SessionHistory
import Synchronization

/// How long a frame takes from being handed in to the release of its last output, at a steady rate.
struct LatencyCase {
    var framesPerSecond = 1_000
    var duration = 5
    var history: String?

    func run() async throws {
        let pipeline = try answeringPipeline(branches: 2, .immediate)
        let watch = ReleaseWatch()
        var recorded: RecordedSession?
        let session: PipelineSession
        if let history {
            removeHistory(history)
            let started = try await RecordedSession.start(pipeline, at: history) { _ in watch.note() }
            (recorded, session) = (started, started.session)
        } else {
            session = try PipelineSession(pipeline) { _ in watch.note() }
            try await session.start()
        }
        let count = framesPerSecond * duration
        let interval = 1_000_000_000 / Int64(framesPerSecond)
        let latencies = try await session.perform {
            var latencies: [Int64] = []
            latencies.reserveCapacity(count)
            let begin = session.clock.now + interval
            for number in 0..<count {
                try await session.clock.sleep(until: begin + Int64(number) * interval)
                let start = monotonicTime()
                try await session.send(TextFrame("frame"))
                latencies.append(watch.last - start)
            }
            return latencies
        }
        if let recorded { try await recorded.end() } else { await session.end() }
        let steady = Array(latencies.dropFirst(framesPerSecond / 2))
        report("median_us", Double(steady.median) / 1e3)
        report("p99_us", Double(steady.percentile(0.99)) / 1e3)
        report("max_us", Double(steady.max() ?? 0) / 1e3)
    }
}

/// When something was last released.
final class ReleaseWatch: Sendable {
    private let time = Atomic<Int64>(0)
    var last: Int64 { time.load(ordering: .relaxed) }
    func note() { time.store(monotonicTime(), ordering: .relaxed) }
}
