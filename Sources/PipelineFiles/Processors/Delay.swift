import PipelineEngine
import Synchronization

struct DelayOptions: Sendable, Hashable {
    var on: TypeFilter
    /// In ns.
    var time: Int64
    /// In ns: each frame waits up to so much longer.
    var jitter: Int64 = 0
    var seed: UInt64 = 0
}

/// Holds frames for a time, on the session's clock.
final class Delay: FrameProcessor {
    let link: ProcessorLink
    private let options: DelayOptions
    private let random: Mutex<SplitMix64>

    init(_ options: DelayOptions, name: String?) {
        link = ProcessorLink(name: name)
        self.options = options
        random = Mutex(SplitMix64(state: options.seed))
    }

    func process(_ frame: any Frame, direction: FrameDirection) async throws {
        if options.on.matches(frame.type) {
            let time = nextTime()
            if time > 0 { try await link.clock.sleep(nanoseconds: time) }
        }
        await push(frame, direction)
    }

    /// The seed decides it together with the number of frames held before.
    private func nextTime() -> Int64 {
        guard options.jitter > 0 else { return options.time }
        return options.time + random.withLock { Int64.random(in: 0...options.jitter, using: &$0) }
    }
}

/// Steele, Lea and Flood's generator: eight bytes of state, the same numbers on every machine.
struct SplitMix64: RandomNumberGenerator, Sendable {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
