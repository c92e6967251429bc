import PipelineEngine

/// Everything of an event but its frame.
struct EventFacts: Equatable {
    var numbers: [Int64]
    var kind: SessionEvent.Kind
    var direction: FrameDirection?
    var words: [String?]
    var outcome: BatchOutcome?

    init(_ event: SessionEvent) {
        numbers = [
            event.sequence, event.time, Int64(event.stage), event.batch, Int64(event.branch), Int64(event.emission),
            Int64(event.arrival), Int64(event.position), event.subject,
        ]
        kind = event.kind
        direction = event.direction
        words = [event.detail, event.processor]
        outcome = event.outcome
    }
}
