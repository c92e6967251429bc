import PipelineEngine
import SessionHistory
import Synchronization

/// The events of one session between the engine, which adds them, and the history's writer, which fetches them.
///
/// Arrays go round: filled here, written there, and back to be emptied, so that neither side waits for the other nor allocates.
///
/// `@unchecked Sendable`: `log` is set once, before the first event; `spare` is the writer's thread's.
final class EventBuffer: EventSource, @unchecked Sendable {
    private struct State {
        var events: [SessionEvent] = []
        var bytes = 0
        /// Events that are written. The engine's side lets go of their frames, one for each event that comes: that memory then
        /// serves the frames to come, which memory given back by another thread does not.
        var written: [SessionEvent] = []
        /// How many of them, from the first on, still have what they came with.
        var unreleased = 0
        /// The sequence of the last event that was added.
        var lastSequence: Int64 = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    /// Empty: what the engine's side fills after the next exchange. The writer's thread's.
    private var spare: [SessionEvent] = []
    private let isFull = Atomic(false)
    /// Whether nothing is kept any more: storage has failed, or the recording is closed.
    private let isOver = Atomic(false)
    private var log: SessionLog?
    /// What waits for its events to be committed, if anything does: from `attach` until the recording is closed.
    private let releases = Mutex<HeldReleases?>(nil)
    /// Whether so much of it waits that the session is congested.
    let hasFullReleases = Atomic(false)
    private let onFailure: (@Sendable (HistoryError) -> Void)?
    private let onNotice: (@Sendable (String) -> Void)?

    init(onFailure: (@Sendable (HistoryError) -> Void)?, onNotice: (@Sendable (String) -> Void)?) {
        self.onFailure = onFailure
        self.onNotice = onNotice
    }

    /// Says where the events go: once, before the first of them.
    func attach(_ log: SessionLog) { self.log = log }

    /// Says what waits for its events to be committed: once, before the first event.
    func attach(_ releases: HeldReleases) { self.releases.withLock { $0 = releases } }

    /// Keeps nothing any more, and lets go of what it has: the recording is closed. A session that runs on does so unrecorded.
    func close() {
        takeNoMore()
        // They hold this. Of those that wait no event will be committed.
        releases.withLock { releases in
            defer { releases = nil }
            return releases
        }?.didFail()
    }

    private func takeNoMore() {
        isOver.store(true, ordering: .relaxed)
        let left = state.withLock { state in
            defer { state = State(lastSequence: state.lastSequence) }
            isFull.store(false, ordering: .relaxed)
            return state
        }
        log?.didDiscard(events: left.events.count, bytes: left.bytes)
        for waiter in left.waiters { waiter.resume() }
    }

    // MARK: - The engine's side

    func add(_ event: consuming SessionEvent) {
        let sequence = event.sequence
        if isOver.load(ordering: .relaxed) {
            state.withLock { $0.lastSequence = sequence }
            return
        }
        var bytes = 0
        if let parcel = event.parcel {
            bytes = (parcel.frame.payload?.bytes.count ?? 0) + (parcel.frame.text?.utf8.count ?? 0)
        }
        // A closure cannot consume what it captures, but take it out of an optional: no reference is counted.
        var added = Optional(event)
        let written = state.withLock { state in
            if let event = added.take() { state.events.append(event) }
            state.bytes += bytes
            state.lastSequence = sequence
            if state.events.count >= SessionLog.maxWaitingEvents || state.bytes >= SessionLog.maxWaitingBytes {
                isFull.store(true, ordering: .relaxed)
            }
            guard state.unreleased > 0 else { return Parcel?.none }
            state.unreleased -= 1
            return state.written[state.unreleased].parcel.take()
        }
        // Outside of the lock, since a frame may hold an object that does something at its end.
        _ = consume written
        log?.didGather(bytes: bytes, in: self)
    }

    /// Returns when every event added so far is committed.
    func flush() async throws { try await log?.flush(self) }

    /// The sequence of the last event that was added, 0 for none.
    var lastSequence: Int64 { state.withLock { $0.lastSequence } }

    /// How many of the events added are not in the history; those that wait to be written among them.
    var uncommitted: Int64 { lastSequence - (log?.committedSequence ?? 0) }

    var isCongested: Bool {
        !isOver.load(ordering: .relaxed)
            && (isFull.load(ordering: .relaxed) || (log?.isBehind ?? false) || hasFullReleases.load(ordering: .relaxed))
    }

    func waitWhileCongested() async {
        while isCongested {
            if hasFullReleases.load(ordering: .relaxed) {
                // Once the recording is closed, nobody waits for anything.
                guard let releases = releases.withLock({ $0 }) else { return }
                await releases.untilRoom()
            }
            if isOver.load(ordering: .relaxed) { return }
            if isFull.load(ordering: .relaxed) {
                await untilTaken()
            } else if log?.isBehind ?? false {
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
            swap(&state.events, &spare)
            swap(&state.written, &events)
            state.unreleased = state.written.count
            defer {
                state.bytes = 0
                state.waiters = []
            }
            isFull.store(false, ordering: .relaxed)
            return (bytes: state.bytes, waiters: state.waiters)
        }
        for waiter in taken.waiters { waiter.resume() }
        // What the engine's side has not got round to.
        events.removeAll(keepingCapacity: events.capacity <= 512 || events.capacity <= 8 * spare.count)
        swap(&events, &spare)
        return taken.bytes
    }

    func didFail(_ error: HistoryError) {
        takeNoMore()
        onFailure?(error)
        releases.withLock { $0 }?.didFail()
    }

    func didCommit(through sequence: Int64) {
        releases.withLock { $0 }?.didCommit(through: sequence)
    }

    func didNotice(_ notice: String) { onNotice?(notice) }
}
