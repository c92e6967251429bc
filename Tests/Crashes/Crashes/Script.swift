import PipelineEngine

/// An endless session of which every event follows from its number, so that what a history holds can be held against it.
enum Script {
    static let branches = 3
    /// inbound; an output and a sync for each branch; a release for each branch.
    static let eventsPerBatch: Int64 = 10

    static let definition = SessionDefinition(stages: [
        .init(
            number: 0, name: "SyncParallelPipeline#0", frameOrder: .arrival,
            branches: (0..<branches).map { .init(number: $0, name: "b\($0)", processors: ["P#\($0)"]) })
    ])

    static func event(_ sequence: Int64) -> SessionEvent {
        let batch = (sequence - 1) / eventsPerBatch + 1
        let step = Int((sequence - 1) % eventsPerBatch)
        let first = (batch - 1) * eventsPerBatch + 1
        let order = order(batch)
        func event(
            _ kind: SessionEvent.Kind, branch: Int = -1, emission: Int = -1, arrival: Int = -1, position: Int = -1,
            subject: Int64 = 0, frame: (any Frame)? = nil, outcome: BatchOutcome? = nil
        ) -> SessionEvent {
            SessionEvent(
                sequence: sequence, time: sequence * 1_000, kind: kind, stage: 0, batch: batch, branch: branch,
                direction: kind == .sync ? nil : .downstream, emission: emission, arrival: arrival, position: position,
                subject: subject, frame: frame, outcome: outcome)
        }
        switch step {
        case 0: return event(.inbound, frame: text("question \(batch)", id: batch * 10))
        case 1...6:
            let arrival = (step - 1) / 2
            let branch = order[arrival]
            if step % 2 == 0 { return event(.sync, branch: branch) }
            return event(.output, branch: branch, emission: 0, arrival: arrival, frame: output(batch, branch))
        default:
            let position = step - 7
            return event(
                .release, branch: order[position], position: position, subject: first + 1 + 2 * Int64(position),
                outcome: position == branches - 1 ? .released : nil)
        }
    }

    /// The batch that is open after so many events, with the branches that have not given their SyncFrame back; nil if none.
    static func open(after sequence: Int64) -> (batch: Int64, unsynced: [Int])? {
        let step = Int((sequence - 1) % eventsPerBatch)
        guard sequence > 0, step < eventsPerBatch - 1 else { return nil }
        let batch = (sequence - 1) / eventsPerBatch + 1
        return (batch, order(batch).dropFirst(step / 2).sorted())
    }

    /// The order in which a batch's branches come in.
    private static func order(_ batch: Int64) -> [Int] {
        var random = SeededRandom(UInt64(batch))
        return Array(0..<branches).shuffled(using: &random)
    }

    private static func output(_ batch: Int64, _ branch: Int) -> any Frame {
        var random = SeededRandom(UInt64(batch) << 8 | UInt64(branch))
        let id = batch * 10 + 1 + Int64(branch)
        if branch == 0 { return text("answer \(batch)", id: id) }
        // Mostly small; now and then one that takes many pages.
        let size = Int.random(in: 0..<100, using: &random) == 0 ? 200_000 : Int.random(in: 0..<8_000, using: &random)
        var audio = OutputAudioRawFrame(
            audio: [UInt8](repeating: UInt8.random(in: 0...255, using: &random), count: size), sampleRate: 16_000)
        audio.header = FrameHeader(id: id)
        return audio
    }

    private static func text(_ text: String, id: Int64) -> TextFrame {
        var frame = TextFrame(text)
        frame.header = FrameHeader(id: id)
        return frame
    }
}
