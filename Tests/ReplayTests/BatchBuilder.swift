import PipelineEngine
import Replay

/// Builds recorded batches for tests: outputs in the order of their arrival, the release as C4 gives it.
struct BatchBuilder {
    var stage = 0
    var batch: Int64 = 1
    var order = FrameOrder.arrival
    private var sequence: Int64 = 0
    private var outputs: [SessionEvent] = []
    private var emissions: [Int: Int] = [:]
    private let inbound: any Frame
    private var time: Int64 = 0

    init(_ batch: Int64 = 1, inbound: any Frame = Self.text("in", id: 1), order: FrameOrder = .arrival) {
        self.batch = batch
        self.inbound = inbound
        self.order = order
        sequence = batch * 1000
    }

    static func text(_ content: String, id: Int64) -> any Frame {
        var frame = TextFrame(content)
        frame.header = FrameHeader(id: id)
        return frame
    }

    mutating func output(
        _ branch: Int, _ frame: any Frame, _ direction: FrameDirection = .downstream, late: Bool = false
    ) {
        sequence += 1
        outputs.append(
            SessionEvent(
                sequence: sequence, time: time, kind: late ? .late : .output, stage: stage, batch: batch,
                branch: branch, direction: direction, emission: emissions[branch, default: 0],
                arrival: outputs.count, frame: frame))
        emissions[branch, default: 0] += 1
    }

    mutating func output(_ branch: Int, _ content: String, id: Int64, _ direction: FrameDirection = .downstream) {
        output(branch, Self.text(content, id: id), direction)
    }

    /// The batch, released.
    func released() -> RecordedBatch {
        var recorded = open()
        let release = recorded.release(in: order)
        var sequence = sequence
        for frame in release {
            sequence += 1
            let output = outputs.first {
                $0.frame?.id == frame.frame.id && $0.branch == frame.branch && $0.direction == frame.direction
            }
            recorded.add(
                SessionEvent(
                    sequence: sequence, time: time, kind: .release, stage: stage, batch: batch, branch: frame.branch,
                    direction: frame.direction, position: frame.position, subject: output?.sequence ?? 0))
        }
        recorded.outcome = .released
        return recorded
    }

    /// The batch before it ended.
    func open() -> RecordedBatch {
        var recorded = RecordedBatch(stage: stage, batch: batch)
        recorded.add(
            SessionEvent(
                sequence: batch * 1000, time: 0, kind: .inbound, stage: stage, batch: batch, direction: .downstream,
                frame: inbound))
        for output in outputs { recorded.add(output) }
        return recorded
    }
}
