import PipelineEngine

/// Sessions of random streams: batches that mostly go like the one before, as those of audio do, and whatever may come in between.
struct StreamScript {
    /// How a batch goes.
    enum Course: CaseIterable {
        /// Both branches pass the frame.
        case passed
        /// One branch passes the frame, the other swallows it.
        case swallowed
        /// One branch gives out two frames of its own.
        case answered
        /// Nothing comes out.
        case silent
    }

    private(set) var script = SessionScript()
    private var random: SeededRandom
    private var nextFrame: Int64 = 1
    private var batches: [Int: Int64] = [:]
    private var course = Course.passed
    private var oldFrame: any Frame = SessionScript.text("old", id: 1 << 40)
    /// ns that times are multiples of.
    private var unit: Int64 = 1000
    /// In percent; 0: all batches go alike, 20 ms apart, and bring a frame each.
    private let irregularity: Int

    var events: [SessionEvent] { script.events }

    init(seed: UInt64, batches: Int, stages: Int = 2, irregularity: Int = 8) {
        random = SeededRandom(seed)
        self.irregularity = irregularity
        for _ in 0..<batches {
            if irregularity > 0, chance(3) { unit = [1, 1000, 1_000_000].randomElement(using: &random) ?? 1 }
            if chance(irregularity) { course = Course.allCases.randomElement(using: &random) ?? .passed }
            if stages > 1, chance(2) { script.stage = Int.random(in: 0..<stages, using: &random) }
            addBatch()
            if stages > 1, chance(20) {
                let stage = script.stage
                script.stage = (stage + 1) % stages
                addBatch()
                script.stage = stage
            }
        }
    }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    private mutating func frame() -> any Frame {
        defer { nextFrame += 1 }
        // Batches of small frames have rows of their own.
        if irregularity > 0, chance(3) { return SessionScript.text("word \(nextFrame)", id: nextFrame) }
        if chance(20) {
            return SessionScript.text("\(nextFrame)" + String(repeating: "word ", count: 60), id: nextFrame)
        }
        return GenericFrame(
            FrameType.known("OutputAudioRawFrame") ?? .dataFrame, header: FrameHeader(id: nextFrame),
            payload: FramePayload(
                name: "audio", bytes: [UInt8](repeating: UInt8(truncatingIfNeeded: nextFrame), count: 300)),
            fields: ["sample_rate": 24_000])
    }

    /// The next event is so much later than the last: now and then not at all, and rarely earlier, as in what others recorded.
    private mutating func wait() {
        if irregularity == 0 {
            script.step = 7000
            return
        }
        script.step = chance(40) ? 0 : Int64.random(in: 1...90_000, using: &random) / unit * unit
        if chance(1) { script.step = -script.step }
    }

    private mutating func disturb(_ batch: Int64) {
        guard chance(irregularity) else { return }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: script.add(.bypass, direction: .downstream, frame: frame())
        case 1: script.add(.error, batch: batch, branch: 0, detail: "failure", processor: "P#0")
        case 2: script.add(.output, batch: batch, branch: 0, direction: .upstream, emission: 7, frame: oldFrame)
        case 3: script.add(.late, batch: batch, branch: 1, direction: .downstream, emission: 8, frame: frame())
        case 4: script.add(.stall, batch: batch, branch: 1, detail: "it waits")
        default:
            script.add(.output, batch: batch + 1, branch: 0, direction: .downstream, emission: 9, frame: frame())
        }
    }

    private mutating func addBatch() {
        let batch = (batches[script.stage] ?? 0) + (irregularity > 0 && chance(2) ? 2 : 1)
        batches[script.stage] = batch
        script.step =
            irregularity == 0 || chance(50)
            ? 20_000_000 : Int64.random(in: 0...30_000_000, using: &random) / unit * unit
        let inbound = frame()
        if chance(5) { oldFrame = inbound }
        script.add(
            .inbound, batch: batch, direction: .downstream, frame: irregularity > 0 && chance(2) ? oldFrame : inbound)
        var outputs: [(sequence: Int64, branch: Int, id: Int64)] = []
        for branch in chance(irregularity) ? [1, 0] : [0, 1] {
            wait()
            var given: [any Frame] = []
            switch course {
            case .passed: given = [inbound]
            case .swallowed: given = branch == 0 ? [inbound] : []
            case .answered: given = branch == 0 ? [inbound] : [frame(), frame()]
            case .silent: break
            }
            for (emission, frame) in given.enumerated() {
                let sequence = script.add(
                    .output, batch: batch, branch: branch, direction: .downstream, emission: emission,
                    arrival: outputs.count, frame: frame)
                outputs.append((sequence, branch, frame.header.id))
                script.step = 0
            }
            disturb(batch)
            script.add(.sync, batch: batch, branch: branch)
        }
        wait()
        disturb(batch)
        if irregularity > 0, chance(1) { return }
        if outputs.isEmpty {
            script.add(.close, batch: batch, outcome: .released)
            return
        }
        var seen: Set<Int64> = []
        for (index, output) in outputs.enumerated() {
            let isLast = index == outputs.count - 1
            if irregularity > 0, chance(1) {
                script.add(
                    .drop, batch: batch, branch: output.branch, direction: .downstream, subject: output.sequence,
                    detail: "interrupted", outcome: isLast ? .interrupted : nil)
            } else {
                script.add(
                    seen.insert(output.id).inserted ? .release : .duplicate, batch: batch, branch: output.branch,
                    direction: .downstream, position: seen.count - 1, subject: output.sequence,
                    outcome: isLast ? .released : nil)
            }
            script.step = 0
        }
    }
}
