import PipelineEngine
import SessionHistory
import Synchronization

/// The events of one session between the engine, which adds them, and the history's writer, which fetches them.
///
/// The two sides have an array each and exchange them, so that neither waits for the other nor allocates.
final class EventBuffer: EventSource, @unchecked Sendable {  // `log` is set once, before the buffer is shared
    private struct State {
        var events: [SessionEvent] = []
        var bytes = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let isFull = Atomic(false)
    private let hasFailed = Atomic(false)
    private var log: SessionLog?
    private let onFailure: (@Sendable (HistoryError) -> Void)?

    init(onFailure: (@Sendable (HistoryError) -> Void)?) { self.onFailure = onFailure }

    /// Says where the events go: once, before the first of them.
    func attach(_ log: SessionLog) { self.log = log }

    // MARK: - The engine's side

    func add(_ event: SessionEvent) {
        if hasFailed.load(ordering: .relaxed) { return }
        let bytes = event.frame.map { ($0.payload?.bytes.count ?? 0) + ($0.text?.utf8.count ?? 0) } ?? 0
        state.withLock { state in
            state.events.append(event)
            state.bytes += bytes
            if state.events.count >= SessionLog.maxWaitingEvents || state.bytes >= SessionLog.maxWaitingBytes {
                isFull.store(true, ordering: .relaxed)
            }
        }
        log?.didGather(bytes: bytes, in: self)
    }

    var isCongested: Bool { isFull.load(ordering: .relaxed) || (log?.isBehind ?? false) }

    func waitWhileCongested() async {
        while isCongested, !hasFailed.load(ordering: .relaxed) {
            if isFull.load(ordering: .relaxed) {
                await untilTaken()
            } else {
                // Other sessions have too much waiting: until that is written. A failure shows at the next flush.
                try? await log?.flush(self)
            }
        }
    }

    private func untilTaken() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                let isOver = !isFull.load(ordering: .relaxed)
                if !isOver { state.waiters.append(continuation) }
                return isOver
            }
            if isOver { continuation.resume() }
        }
    }

    // MARK: - The writer's side

    func takeEvents(into events: inout [SessionEvent]) -> Int {
        let taken = state.withLock { state in
            swap(&state.events, &events)
            defer {
                state.bytes = 0
                state.waiters = []
            }
            isFull.store(false, ordering: .relaxed)
            return (bytes: state.bytes, waiters: state.waiters)
        }
        for waiter in taken.waiters { waiter.resume() }
        return taken.bytes
    }

    func didFail(_ error: HistoryError) {
        hasFailed.store(true, ordering: .relaxed)
        let left = state.withLock { state in
            defer { state = State() }
            isFull.store(false, ordering: .relaxed)
            return state
        }
        log?.didDiscard(events: left.events.count, bytes: left.bytes)
        for waiter in left.waiters { waiter.resume() }
        onFailure?(error)
    }
}
