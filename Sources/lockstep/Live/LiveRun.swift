internal import PipelineEngine
internal import PipelineFiles
internal import Recording
internal import Synchronization

/// Runs a session from its start to its end, or until something stops it.
struct LiveRun {
    /// How a run came to its end.
    enum Ending: Sendable {
        /// The input ended, and everything came out.
        case ended
        case signalled(Int32)
        /// A line of the input is no frame, or it cannot be read; what came before it was released.
        case badInput(FileProblem)
        /// The output cannot be written any more.
        case outputFailed(OutputStream.Failure)
        /// What happens cannot be recorded any more.
        case recordingFailed(any Error)
        /// A processor could not be set up, or a fatal error came out.
        case failed(String)
    }

    let session: PipelineSession
    let input: FrameInput?
    let sink: FrameSink?
    /// Released frames that wait for their events to be committed, on their way to the sink.
    var held: HeldReleases?
    let stop: StopRequest

    func run() async -> Ending {
        do { try await session.start() } catch { return .failed("\(error)") }
        let feeding = Task { () -> Ending in
            do {
                if let input { try await session.send(timed: input.timed(session.identity)) }
            } catch let problem as FileProblem {
                await session.end()
                return .badInput(problem)
            } catch {
                return .failed("\(error)")
            }
            if case .failed(let message) = await session.end() { return .failed(message) }
            return .ended
        }
        let stopping = Task {
            guard await stop.reason() != nil else { return }
            sink?.abandon()
            feeding.cancel()
            await session.cancel()
        }
        let ending = await feeding.value
        // While a reader that takes nothing can still be given up on.
        await held?.settle()
        let reason = stop.finish()
        await stopping.value
        return reason ?? ending
    }
}

/// Why a run is to stop before its input ends: the first of what is asked for from any thread.
final class StopRequest: Sendable {
    private struct State {
        var reason: LiveRun.Ending?
        var isFinished = false
        var waiting: CheckedContinuation<LiveRun.Ending?, Never>?
    }

    private let state = Mutex(State())

    /// Asks to stop.
    func request(_ reason: LiveRun.Ending) {
        let waiting = state.withLock { state -> CheckedContinuation<LiveRun.Ending?, Never>? in
            guard state.reason == nil, !state.isFinished else { return nil }
            state.reason = reason
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume(returning: reason)
    }

    /// Returns when somebody asks, or with nil when the run is over without. One caller.
    func reason() async -> LiveRun.Ending? {
        await withCheckedContinuation { continuation in
            let (isKnown, reason) = state.withLock { state -> (Bool, LiveRun.Ending?) in
                let isKnown = state.reason != nil || state.isFinished
                if !isKnown { state.waiting = continuation }
                return (isKnown, state.reason)
            }
            if isKnown { continuation.resume(returning: reason) }
        }
    }

    /// Says that the run is over; returns what was asked for before.
    func finish() -> LiveRun.Ending? {
        let (reason, waiting) = state.withLock {
            state -> (LiveRun.Ending?, CheckedContinuation<LiveRun.Ending?, Never>?) in
            state.isFinished = true
            defer { state.waiting = nil }
            return (state.reason, state.waiting)
        }
        waiting?.resume(returning: nil)
        return reason
    }
}
