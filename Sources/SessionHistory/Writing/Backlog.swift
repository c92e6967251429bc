import Synchronization

/// How much waits in the recorders of one history to be written, over all sessions.
final class Backlog: Sendable {
    private let events = Atomic(0)
    private let bytes = Atomic(0)
    /// From so many events on, waiting for more would only delay them.
    private let worthCommitting: Int

    init(groupEvents: Int) { worthCommitting = groupEvents / 2 }

    /// Counts an event; true when what waits should be written at once.
    @inline(__always)
    func add(bytes added: Int) -> Bool {
        let count = events.wrappingAdd(1, ordering: .relaxed).newValue
        if added > 0 { bytes.wrappingAdd(added, ordering: .relaxed) }
        return count == worthCommitting || added > 1 << 20
    }

    func remove(events removed: Int, bytes removedBytes: Int) {
        events.wrappingSubtract(removed, ordering: .relaxed)
        bytes.wrappingSubtract(removedBytes, ordering: .relaxed)
    }

    /// Whether it is more than memory should hold.
    @inline(__always)
    var isTooLarge: Bool {
        events.load(ordering: .relaxed) >= SessionLog.maxWaitingEvents * 4
            || bytes.load(ordering: .relaxed) >= SessionLog.maxWaitingBytes * 2
    }
}
