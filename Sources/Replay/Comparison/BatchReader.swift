public import PipelineEngine

/// The batches of one recorded stage, one after the other, out of its events.
///
/// Holds one batch and one page of events. Batches that the recording leaves open come at the end.
public struct BatchReader {
    private let nextEvents: () throws -> [SessionEvent]?
    private var assembler = BatchAssembler()
    private var events: ArraySlice<SessionEvent> = []
    private var ready: [RecordedBatch] = []
    private var hasEnded = false

    /// - Parameter nextEvents: the next events of the stage, in the order of their sequence; nil at the end.
    public init(_ nextEvents: @escaping () throws -> [SessionEvent]?) { self.nextEvents = nextEvents }

    /// The next batch; nil at the end.
    public mutating func next() throws -> RecordedBatch? {
        while true {
            if !ready.isEmpty { return ready.removeFirst() }
            if hasEnded { return nil }
            if let event = events.popFirst() {
                ready = assembler.add(event)
            } else if let page = try nextEvents() {
                events = page[...]
            } else {
                hasEnded = true
                ready = assembler.unfinished()
            }
        }
    }
}
