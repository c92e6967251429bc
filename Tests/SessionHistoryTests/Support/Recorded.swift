import PipelineEngine
import Synchronization

@testable import SessionHistory

/// Events that wait to be written, all at hand.
final class WaitingEvents: EventSource {
    private let waiting: Mutex<[SessionEvent]>
    let failure = Mutex<HistoryError?>(nil)

    init(_ events: [SessionEvent] = []) { waiting = Mutex(events) }

    func add(_ events: [SessionEvent], to log: SessionLog) {
        for event in events {
            waiting.withLock { $0.append(event) }
            log.didGather(bytes: 0, in: self)
        }
    }

    func takeEvents(into events: inout [SessionEvent]) -> Int {
        events.removeAll(keepingCapacity: true)
        waiting.withLock { swap(&$0, &events) }
        return 0
    }

    func didFail(_ error: HistoryError) { failure.withLock { $0 = error } }
}

extension History {
    /// Records these events as a session and closes it, unless `state` is nil.
    @discardableResult
    func record(
        _ events: [SessionEvent], definition: SessionDefinition = SessionScript.definition(), name: String? = nil,
        uuid: String? = nil, startedAt: String? = nil, state: SessionState? = .complete
    ) async throws -> SessionLog {
        let start = SessionStart(
            definition: definition, name: name, source: "test", uuid: uuid, startedAt: startedAt)
        guard let log = try await begin(start) else { throw HistoryError(.ambiguous, "it is there already") }
        let source = WaitingEvents()
        source.add(events, to: log)
        try await log.flush(source)
        if let state { try await log.close(source, state: state) }
        return log
    }

    func allEvents(of session: Int64, content: Content = .full) throws -> [SessionEvent] {
        var events: [SessionEvent] = []
        try forEachEvent(of: session, content: content) {
            events.append($0)
            return true
        }
        return events
    }
}
