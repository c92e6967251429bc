import PipelineEngine
import Testing

extension Interpreted {
    /// Holds the outputs of each branch, and the batches that releases are in, against what a bot's process saw: they
    /// are the beginning of it, as a recording may lack its tail.
    func expectOutputsAndBatches(asSeen lines: [BotLine]) {
        for stage in definition.stages {
            let seen = lines.filter { $0.stage == stage.name }
            for branch in stage.branches {
                for direction in FrameDirection.allCases {
                    expectOutputs(of: branch, in: stage, direction, asSeen: seen)
                }
            }
            expectBatches(of: stage, asSeen: seen)
        }
    }

    private func expectOutputs(
        of branch: SessionDefinition.Branch, in stage: SessionDefinition.Stage, _ direction: FrameDirection,
        asSeen lines: [BotLine]
    ) {
        let told = events.filter {
            $0.stage == stage.number && $0.branch == branch.number && $0.direction == direction
                && ($0.kind == .output || $0.kind == .late || $0.kind == .drop && $0.subject == 0)
        }.sorted { ($0.time, $0.sequence) < ($1.time, $1.sequence) }.map(frame)
        let outputs = Set(events(stage.number, .output, .late).map(frame))
        // Copies of system frames that never left are not told, nor is what is no output: a StartFrame that was waited
        // for, and a SyncFrame that closed a batch.
        let copies = Set(events(stage.number, .bypass).map(frame))
        let seen = lines.filter {
            $0.what == "branch" && $0.branch == branch.number && $0.direction == direction.rawValue
        }.map(\.frame).filter { frame in
            if told.contains(frame) { return true }
            return !copies.contains(frame) && (outputs.contains(frame) || !frame.hasPrefix("SyncFrame#"))
        }
        #expect(seen.starts(with: told), "\(stage.name), branch \(branch.number), \(direction)")
    }

    private func expectBatches(of stage: SessionDefinition.Stage, asSeen lines: [BotLine]) {
        let inbound = Set(events(stage.number, .inbound).map { "\($0.direction?.rawValue ?? "") \(frame($0))" })
        var batch: Int64 = 0
        var passing: [String] = []
        var seen: [String] = []
        for line in lines {
            let frame = "\(line.direction) \(line.frame)"
            if line.what == "in" {
                if inbound.contains(frame) { batch += 1 } else { passing.append(frame) }
            } else if line.what == "out" {
                // The first time that a system frame leaves it passes; what leaves later leaves with a batch.
                if let index = passing.firstIndex(of: frame) {
                    passing.remove(at: index)
                } else {
                    seen.append("\(batch) \(frame)")
                }
            }
        }
        let told = events(stage.number, .release).map { "\($0.batch) \($0.direction?.rawValue ?? "") \(frame($0))" }
        #expect(seen.starts(with: told), "\(stage.name)")
    }
}
