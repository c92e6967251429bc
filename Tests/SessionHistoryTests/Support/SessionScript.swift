import PipelineEngine

/// Writes the events of a session by hand, numbering them as an engine does.
struct SessionScript {
    private(set) var events: [SessionEvent] = []
    var stage = 0
    /// ns since the session's start, of the last event.
    var time: Int64 = 0
    /// ns from each event to the next.
    var step: Int64 = 1_000_000

    @discardableResult
    mutating func add(
        _ kind: SessionEvent.Kind, batch: Int64 = 0, branch: Int = -1, direction: FrameDirection? = nil,
        emission: Int = -1, arrival: Int = -1, position: Int = -1, subject: Int64 = 0, frame: (any Frame)? = nil,
        detail: String? = nil, processor: String? = nil, outcome: BatchOutcome? = nil
    ) -> Int64 {
        let sequence = Int64(events.count + 1)
        time += step
        events.append(
            SessionEvent(
                sequence: sequence, time: time, kind: kind, stage: stage, batch: batch, branch: branch,
                direction: direction, emission: emission, arrival: arrival, position: position, subject: subject,
                frame: frame, detail: detail, processor: processor, outcome: outcome))
        return sequence
    }

    /// A batch in which each branch gives out one frame and its SyncFrame, released in the order of `arrivals`.
    mutating func batch(_ number: Int64, text: String, arrivals: [Int] = [0, 1]) {
        let id = number * 10
        add(.inbound, batch: number, direction: .downstream, frame: Self.text(text, id: id))
        var outputs: [Int64] = []
        for (arrival, branch) in arrivals.enumerated() {
            outputs.append(
                add(
                    .output, batch: number, branch: branch, direction: .downstream, emission: 0, arrival: arrival,
                    frame: Self.text("\(text) \(branch)", id: id + 1 + Int64(branch))))
            add(.sync, batch: number, branch: branch)
        }
        for (position, output) in outputs.enumerated() {
            add(
                .release, batch: number, branch: arrivals[position], direction: .downstream, position: position,
                subject: output, outcome: position == outputs.count - 1 ? .released : nil)
        }
    }

    static func text(_ text: String, id: Int64) -> TextFrame {
        var frame = TextFrame(text)
        frame.header = FrameHeader(id: id)
        return frame
    }

    /// One stage of so many branches.
    static func definition(branches: Int = 2, order: FrameOrder? = .arrival) -> SessionDefinition {
        SessionDefinition(stages: [
            .init(
                number: 0, name: "SyncParallelPipeline#0", frameOrder: order,
                branches: (0..<branches).map { .init(number: $0, name: "b\($0)", processors: ["P#\($0)"]) })
        ])
    }
}
