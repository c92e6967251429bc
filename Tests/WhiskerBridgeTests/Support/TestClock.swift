import Synchronization

@testable import WhiskerBridge

/// A clock that stands still until a test moves it.
final class TestClock: Sendable {
    private struct State {
        var now: Duration = .zero
        var sleepers: [(until: Duration, wake: AsyncStream<Void>.Continuation)] = []
    }

    private let state = Mutex(State())

    var live: LiveClock {
        LiveClock(
            now: { self.state.withLock { $0.now } },
            sleep: { duration in
                let (stream, wake) = AsyncStream<Void>.makeStream()
                self.state.withLock { state in
                    if duration <= .zero { wake.finish() }
                    state.sleepers.append((state.now + duration, wake))
                }
                for await _ in stream {}
                try Task.checkCancellation()
            })
    }

    func advance(by duration: Duration) {
        state.withLock { state in
            state.now += duration
            for sleeper in state.sleepers where sleeper.until <= state.now { sleeper.wake.finish() }
            state.sleepers.removeAll { $0.until <= state.now }
        }
    }

    /// A clock that only moves by those who wait for it, at once.
    static var hurried: LiveClock {
        let clock = TestClock()
        return LiveClock(
            now: clock.live.now,
            sleep: { duration in
                clock.advance(by: max(duration, .zero))
                await Task.yield()
            })
    }

    /// For which every wait is over at once.
    static let impatient = LiveClock(now: { .zero }, sleep: { _ in await Task.yield() })
}
