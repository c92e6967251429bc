import PipelineEngine
import Recording
import SessionHistory
import Synchronization

/// Many live sessions at once in one process, all recorded in one history.
struct ManySessionsCase {
    var sessions = 1_000
    var framesPerSecond = 50
    var duration = 10
    var history: String

    func run() async throws {
        removeHistory(history)
        let frames = framesPerSecond * duration
        // All are there before the first frame: how long that takes is not what is measured.
        let live = try await withThrowingTaskGroup(of: LiveSession.self) { group in
            for number in 0..<sessions { group.addTask { try await LiveSession(number, in: history) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let cpu = OwnUsage.cpuSeconds
        let interval = 1_000_000_000 / Int64(framesPerSecond)
        let begin = monotonicTime() + 500_000_000
        let latencies = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for session in live {
                // Spread evenly, as the frames of sessions that know nothing of each other are.
                let first = begin + Int64(session.number) * interval / Int64(sessions)
                group.addTask { try await session.run(frames, first: first, interval: interval) }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let elapsed = seconds(since: begin)
        var lost = 0
        for session in try History.open(at: history).sessions() {
            // The end frame is one more of each.
            lost += (frames + 1) - Int(session.inbound)
            lost += (2 * frames + 1) - Int(session.released)
            if session.state != .complete { throw Failure("session \(session.session) is \(session.state)") }
        }
        report("sessions", Double(sessions))
        report("lost", Double(lost))
        report("median_ms", Double(latencies.median) / 1e6)
        report("p99_ms", Double(latencies.percentile(0.99)) / 1e6)
        report("max_ms", Double(latencies.max() ?? 0) / 1e6)
        report("cores", (OwnUsage.cpuSeconds - cpu) / elapsed)
        report("rss_mb", OwnUsage.peakMB)
    }
}

/// One of the sessions.
private struct LiveSession: Sendable {
    let number: Int
    private let recorded: RecordedSession
    private let watch: ReleaseWatch

    init(_ number: Int, in history: String) async throws {
        self.number = number
        let watch = ReleaseWatch()
        self.watch = watch
        recorded = try await RecordedSession.start(answeringPipeline(branches: 2, .immediate), at: history) { _ in
            watch.note()
        }
    }

    /// Returns, for each frame, the time from when it was due to the release of its last output: a frame that goes in late
    /// because the machine is busy counts as late.
    func run(_ frames: Int, first: Int64, interval: Int64) async throws -> [Int64] {
        let session = recorded.session
        let latencies = try await session.perform {
            // The session's clock began with the session.
            let offset = monotonicTime() - session.clock.now
            var latencies: [Int64] = []
            latencies.reserveCapacity(frames)
            for index in 0..<frames {
                let due = first + Int64(index) * interval
                try await session.clock.sleep(until: due - offset)
                try await session.send(TextFrame("frame"))
                latencies.append(watch.last - due)
            }
            return latencies
        }
        try await recorded.end()
        return latencies
    }
}
