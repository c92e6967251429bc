import PipelineEngine
import Recording

/// Records audio that goes through a stage frame by frame, as behind a speech service: what it takes on disk.
struct AudioStreamCase {
    /// Of 20 ms each.
    var frames: Int
    var bytes: Int
    /// Whether they come as they would be spoken, rather than as fast as they are taken.
    var isLive: Bool
    var history: String

    func run() async throws {
        removeHistory(history)
        let pipeline = try Pipeline([SyncParallelPipeline([[], []])])
        let recorded = try await RecordedSession.start(pipeline, at: history)
        let session = recorded.session
        let start = monotonicTime()
        try await session.perform {
            let begin = session.clock.now
            var sound = Noise()
            for number in 0..<frames {
                if isLive { try await session.clock.sleep(until: begin + Int64(number) * 20_000_000) }
                try await session.send(OutputAudioRawFrame(audio: sound.next(bytes), sampleRate: bytes * 25))
            }
        }
        try await recorded.end()
        report("frames_per_s", Double(frames) / seconds(since: start))
        report("payload", Double(frames * bytes))
    }
}

/// Bytes that differ each time, the same in every run.
struct Noise {
    private var state: UInt64 = 1

    mutating func next(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }
}
