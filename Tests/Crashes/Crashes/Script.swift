import PipelineEngine

/// An endless session of which every event follows from its number, so that what a history holds can be held against it.
enum Script {
    static let branches = 3
    /// What each branch gives out at once: one row of the log, as their releases are.
    private static let parts = 3
    /// inbound; outputs and a sync for each branch; releases.
    static let eventsPerBatch = Int64(1 + branches * (parts + 1) + branches * parts)

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
            _ kind: SessionEvent.Kind, at beat: Int, branch: Int = -1, emission: Int = -1, arrival: Int = -1,
            position: Int = -1, subject: Int64 = 0, frame: (any Frame)? = nil, outcome: BatchOutcome? = nil
        ) -> SessionEvent {
            SessionEvent(
                sequence: sequence, time: (batch * 100 + Int64(beat)) * 1_000, kind: kind, stage: 0, batch: batch,
                branch: branch, direction: kind == .sync ? nil : .downstream, emission: emission, arrival: arrival,
                position: position, subject: subject, frame: frame, outcome: outcome)
        }
        switch step {
        case 0: return event(.inbound, at: 0, frame: text("question \(batch)", id: batch * 100))
        case 1...branches * (parts + 1):
            let (turn, part) = (step - 1).quotientAndRemainder(dividingBy: parts + 1)
            let branch = order[turn]
            if part == parts { return event(.sync, at: step, branch: branch) }
            return event(
                .output, at: turn * (parts + 1) + 1, branch: branch, emission: part, arrival: turn * parts + part,
                frame: output(batch, branch, part))
        default:
            let position = step - 1 - branches * (parts + 1)
            let (turn, part) = position.quotientAndRemainder(dividingBy: parts)
            return event(
                .release, at: 99, branch: order[turn], position: position,
                subject: first + 1 + Int64(turn * (parts + 1) + part),
                outcome: position == branches * parts - 1 ? .released : nil)
        }
    }

    /// How many batches so many events have begun.
    static func batches(in events: Int64) -> Int64 { (events + eventsPerBatch - 1) / eventsPerBatch }

    /// The batch that is open after so many events, with the branches that have not given their SyncFrame back; nil if none.
    static func open(after sequence: Int64) -> (batch: Int64, unsynced: [Int])? {
        let step = Int((sequence - 1) % eventsPerBatch)
        guard sequence > 0, step < eventsPerBatch - 1 else { return nil }
        let batch = (sequence - 1) / eventsPerBatch + 1
        return (batch, order(batch).dropFirst(step / (parts + 1)).sorted())
    }

    /// The order in which a batch's branches come in.
    private static func order(_ batch: Int64) -> [Int] {
        var random = SeededRandom(UInt64(batch))
        return Array(0..<branches).shuffled(using: &random)
    }

    private static func output(_ batch: Int64, _ branch: Int, _ part: Int) -> any Frame {
        let number = branch * parts + part
        var random = SeededRandom(UInt64(batch) << 8 | UInt64(number))
        let id = batch * 100 + 1 + Int64(number)
        if branch == 0 { return text("answer \(batch), part \(part)", id: id) }
        // Mostly small; now and then one that takes many pages.
        let size = Int.random(in: 0..<300, using: &random) == 0 ? 200_000 : Int.random(in: 0..<3_000, using: &random)
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
