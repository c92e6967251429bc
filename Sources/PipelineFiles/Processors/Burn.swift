import PipelineEngine

/// Keeps a core busy for a time, then passes the frame on.
///
/// On a virtual clock it takes its time in simulated ms and computes nothing: real work would cost real time there, and
/// end at a moment that differs from run to run.
final class Burn: FrameProcessor {
    let link: ProcessorLink
    private let on: TypeFilter
    private let nanoseconds: Int64

    init(_ on: TypeFilter, nanoseconds: Int64, name: String?) {
        link = ProcessorLink(name: name)
        self.on = on
        self.nanoseconds = nanoseconds
    }

    func process(_ frame: any Frame, direction: FrameDirection) async throws {
        if on.matches(frame.type) {
            if link.clock.isVirtual {
                try await link.clock.sleep(nanoseconds: nanoseconds)
            } else {
                let nanoseconds = nanoseconds
                try await withTaskExecutorPreference(globalConcurrentExecutor) {
                    try await Burn.compute(for: .nanoseconds(nanoseconds))
                }
            }
        }
        await push(frame, direction)
    }

    /// Computes until the time is over. `nonisolated` and `async`, so that it runs on the executor preferred above.
    private static func compute(for duration: Duration) async throws {
        let end = ContinuousClock.now.advanced(by: duration)
        var random = SplitMix64(state: 1)
        while ContinuousClock.now < end {
            for _ in 0..<1_000 { _ = random.next() }
            try Task.checkCancellation()
        }
    }
}
