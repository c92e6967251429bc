import PipelineEngine

/// Sessions of random batches in which branches give out frames in bursts: what of it becomes one row of the log, and what of it
/// only nearly would.
struct BurstScript {
    private(set) var script = SessionScript()
    private var random: SeededRandom
    private var nextFrame: Int64 = 1
    private var outputs: [(sequence: Int64, branch: Int, frame: any Frame)] = []
    private var arrivals = 0

    var events: [SessionEvent] { script.events }

    init(seed: UInt64, batches: Int64) {
        random = SeededRandom(seed)
        for batch in 1...batches { add(batch) }
    }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    private mutating func frame() -> any Frame {
        defer { nextFrame += 1 }
        if chance(50) { return SessionScript.text("word \(nextFrame)", id: nextFrame) }
        let size = chance(2) ? 300_000 : Int.random(in: 0...1200, using: &random)
        return GenericFrame(
            FrameType.known("OutputAudioRawFrame") ?? .dataFrame, header: FrameHeader(id: nextFrame),
            payload: FramePayload(
                name: "audio", bytes: [UInt8](repeating: UInt8(truncatingIfNeeded: nextFrame), count: size)),
            fields: ["sample_rate": 16_000])
    }

    private mutating func add(_ batch: Int64) {
        (outputs, arrivals) = ([], 0)
        script.step = 1_000_000
        script.add(.inbound, batch: batch, direction: .downstream, frame: frame())
        var emissions = [0, 0]
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            burst(batch, Int.random(in: 0...1, using: &random), &emissions)
        }
        script.step = 1000
        for branch in 0...1 { script.add(.sync, batch: batch, branch: branch) }
        end(batch)
    }

    private mutating func burst(_ batch: Int64, _ branch: Int, _ emissions: inout [Int]) {
        let count = chance(10) ? 300 : Int.random(in: 1...12, using: &random)
        let isLate = chance(5)
        // The first of a burst comes later than what was before.
        script.step = 1_000_000
        for _ in 0..<count {
            let direction: FrameDirection = chance(2) ? .upstream : .downstream
            // Now and then a frame that was there before.
            let frame = chance(5) ? outputs.randomElement(using: &random)?.frame ?? frame() : frame()
            let sequence = script.add(
                isLate ? .late : .output, batch: batch, branch: branch, direction: direction,
                emission: emissions[branch],
                arrival: chance(2) ? -1 : arrivals, frame: frame, detail: chance(1) ? "of its own" : nil)
            emissions[branch] += chance(2) ? 2 : 1
            arrivals += 1
            script.step = chance(3) ? 10 : 0
            if isLate { continue }
            outputs.append((sequence, branch, frame))
        }
    }

    private mutating func end(_ batch: Int64) {
        script.step = chance(5) ? 10 : 0
        if outputs.isEmpty {
            script.add(.close, batch: batch, outcome: .released)
            return
        }
        if chance(10) {
            for output in outputs {
                let isLast = output.sequence == outputs.last?.sequence
                script.add(
                    .drop, batch: batch, branch: output.branch, direction: .downstream, subject: output.sequence,
                    detail: "interrupted", outcome: isLast ? .interrupted : nil)
            }
            return
        }
        if chance(30) { outputs = outputs.filter { $0.branch == 1 } + outputs.filter { $0.branch == 0 } }
        var seen: Set<Int64> = []
        if chance(5) {
            script.add(
                .anomaly, batch: batch, branch: 0, subject: outputs[outputs.count / 2].sequence,
                detail: "id collision: a test")
        }
        for (position, output) in outputs.enumerated() {
            script.add(
                seen.insert(output.frame.id).inserted ? .release : .duplicate, batch: batch, branch: output.branch,
                direction: .downstream, position: position, subject: output.sequence,
                outcome: position == outputs.count - 1 ? .released : nil)
        }
    }
}
