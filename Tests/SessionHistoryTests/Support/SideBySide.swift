import PipelineEngine
import Testing

@testable import SessionHistory

extension History {
    /// Records sessions side by side, each in pieces of random size.
    func recordSideBySide(
        _ sessions: [[SessionEvent]], seed: UInt64, definition: SessionDefinition = SessionScript.definition(),
        pieces: ClosedRange<Int> = 1...400, state: SessionState? = .complete
    ) async throws {
        var random = SeededRandom(seed)
        var logs: [(log: SessionLog, source: WaitingEvents, rest: ArraySlice<SessionEvent>)] = []
        for events in sessions {
            let log = try #require(try await begin(SessionStart(definition: definition)))
            logs.append((log, WaitingEvents(), events[...]))
        }
        while let index = logs.indices.filter({ !logs[$0].rest.isEmpty }).randomElement(using: &random) {
            let piece = logs[index].rest.prefix(Int.random(in: pieces, using: &random))
            logs[index].rest = logs[index].rest.dropFirst(piece.count)
            logs[index].source.add(Array(piece), to: logs[index].log)
            if Bool.random(using: &random) { try await logs[index].log.flush(logs[index].source) }
        }
        for (log, source, _) in logs {
            try await log.flush(source)
            if let state { try await log.close(source, state: state) }
        }
    }

    /// Whether a session is event by event, and frame by frame, as it was recorded.
    func expect(
        _ session: Int64, holds events: [SessionEvent],
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let read = try allEvents(of: session)
        #expect(read.count == events.count, sourceLocation: location)
        if let (before, after) = zip(events, read).first(where: { EventFacts($0) != EventFacts($1) }) {
            Issue.record("\(EventFacts(before)) became \(EventFacts(after))", sourceLocation: location)
        }
        for (before, after) in zip(events, read) {
            let frame = before.frame ?? (before.subject > 0 ? events[Int(before.subject) - 1].frame : nil)
            guard after.frame?.id == frame?.id, frame.map({ after.frame?.hasSameContent(as: $0) ?? false }) ?? true
            else {
                Issue.record("event \(before.sequence) has another frame", sourceLocation: location)
                return
            }
        }
        #expect(
            try allEvents(of: session, content: .order).map(\.frame?.id) == read.map(\.frame?.id),
            sourceLocation: location)
    }
}
