import DequeModule
import Dispatch
public import PipelineEngine
import SessionHistory
import Synchronization

/// Released frames on their way to whoever takes them, each held until the events up to its release are committed.
///
/// Made by `SessionRecorder.holdReleases`.
public final class HeldReleases: Sendable {
    /// What becomes of released frames when storage fails: those that wait, and those that come later.
    public enum AfterFailure: Sendable {
        /// They are counted in `withheld` and given to nobody, since no history tells of them.
        case withhold
        /// They are delivered unrecorded: the pipeline matters more than its history.
        case deliver
    }

    /// The session takes no new input while so many frames wait, or so many bytes of them.
    static let maxFrames = 4_096
    static let maxBytes = 32 << 20

    private struct Held {
        var frame: ReleasedFrame
        var bytes: Int
        /// The last event before it left.
        var sequence: Int64
    }

    private struct State {
        var waiting: Deque<Held> = []
        var bytes = 0
        /// Frames up to this event may go.
        var committed: Int64 = 0
        var hasFailed = false
        /// Whether the thread that delivers is at it, or about to be.
        var isDelivering = false
        var withheld: Int64 = 0
        var untilEmpty: [CheckedContinuation<Void, Never>] = []
        var untilRoom: [CheckedContinuation<Void, Never>] = []

        var isOverfull: Bool { waiting.count >= HeldReleases.maxFrames || bytes >= HeldReleases.maxBytes }
    }

    private let buffer: EventBuffer
    private let log: SessionLog
    private let afterFailure: AfterFailure
    private let deliver: @Sendable (ReleasedFrame) -> Void
    private let state = Mutex(State())
    /// Of its own, since whoever takes the frames may block it.
    private let queue = DispatchQueue(label: "lockstep.releases")

    init(
        buffer: EventBuffer, log: SessionLog, afterFailure: AfterFailure,
        deliver: @escaping @Sendable (ReleasedFrame) -> Void
    ) {
        self.buffer = buffer
        self.log = log
        self.afterFailure = afterFailure
        self.deliver = deliver
    }

    /// How many frames left the pipeline and were given to nobody, because their events could not be committed.
    public var withheld: Int64 { state.withLock { $0.withheld } }

    /// Takes a frame that has left the pipeline: the session's `output`. Never blocks.
    public func add(_ frame: ReleasedFrame) {
        // The release was observed before the frame left, in the same turn of the session's executor.
        let sequence = buffer.lastSequence
        let bytes = (frame.frame.payload?.bytes.count ?? 0) + (frame.frame.text?.utf8.count ?? 0)
        let isDue = state.withLock { state in
            if state.hasFailed, afterFailure == .withhold {
                state.withheld += 1
                return true
            }
            state.waiting.append(Held(frame: frame, bytes: bytes, sequence: sequence))
            state.bytes += bytes
            if state.isOverfull { buffer.hasFullReleases.store(true, ordering: .relaxed) }
            return state.hasFailed || sequence <= state.committed
        }
        if isDue { startDelivery() } else { log.hurry() }
    }

    /// Returns when every frame that has left the pipeline so far is delivered, or withheld.
    public func settle() async {
        // A failure shows in the frames' fate.
        try? await buffer.flush()
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                let isOver = state.waiting.isEmpty && !state.isDelivering
                if !isOver { state.untilEmpty.append(continuation) }
                return isOver
            }
            if isOver { continuation.resume() }
        }
    }

    // MARK: - For the buffer

    func untilRoom() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.isOverfull { state.untilRoom.append(continuation) }
                return !state.isOverfull
            }
            if isOver { continuation.resume() }
        }
    }

    func didCommit(through sequence: Int64) {
        state.withLock { $0.committed = max($0.committed, sequence) }
        startDelivery()
    }

    func didFail() {
        state.withLock { state in
            state.hasFailed = true
            guard afterFailure == .withhold else { return }
            // Those whose events are committed still go.
            let kept = state.waiting.prefix { $0.sequence <= state.committed }
            state.withheld += Int64(state.waiting.count - kept.count)
            state.waiting = Deque(kept)
            state.bytes = kept.reduce(0) { $0 + $1.bytes }
        }
        startDelivery()
    }

    // MARK: - Delivering

    private func startDelivery() {
        let mustStart = state.withLock { state in
            defer { state.isDelivering = true }
            return !state.isDelivering
        }
        if mustStart { queue.async { [self] in deliverDue() } }
    }

    private func deliverDue() {
        while true {
            let (due, waiters) = state.withLock { state -> (Held?, [CheckedContinuation<Void, Never>]) in
                var waiters: [CheckedContinuation<Void, Never>] = []
                let mayAllGo = state.hasFailed && afterFailure == .deliver
                var due: Held?
                if let next = state.waiting.first, mayAllGo || next.sequence <= state.committed {
                    due = state.waiting.removeFirst()
                    state.bytes -= next.bytes
                } else {
                    state.isDelivering = false
                    if state.waiting.isEmpty { swap(&waiters, &state.untilEmpty) }
                }
                if !state.isOverfull {
                    buffer.hasFullReleases.store(false, ordering: .relaxed)
                    waiters += state.untilRoom
                    state.untilRoom = []
                }
                return (due, waiters)
            }
            for waiter in waiters { waiter.resume() }
            guard let due else { return }
            deliver(due.frame)
        }
    }
}
