import PipelineEngine

/// Works the stages of a bot out from its frame records, for a file whose snapshot is missing.
///
/// A stage hands a frame to all its sources one after the other, and Pipecat numbers a branch's source and sink alike.
/// What stands inside of the branches, and how stages nest, does not show.
struct TopologyGuess: Sendable {
    private static let stagePrefix = "SyncParallelPipeline#"
    private static let sourcePrefix = "SyncParallelPipelineSource#"
    private static let sinkPrefix = "SyncParallelPipelineSink#"

    /// Of one worker: each stage's branches, by their numbers.
    private struct Stages {
        var branches: [String: Set<Int>] = [:]
        /// The stage that processed a frame last, with the frame.
        var latest: (stage: String, frame: String)?
    }

    private let limits: WhiskerLimits
    private var stages: [String: Stages] = [:]

    init(limits: WhiskerLimits) { self.limits = limits }

    mutating func take(_ record: FrameRecord) {
        guard record.action == .process, stages.count < limits.stages || stages[record.worker] != nil else { return }
        let name = record.processor
        if name.hasPrefix(Self.stagePrefix) {
            stages[record.worker, default: Stages()].latest = (name, record.name)
            return
        }
        let prefix = record.direction == .downstream ? Self.sourcePrefix : Self.sinkPrefix
        guard name.hasPrefix(prefix), let branch = Int(name.dropFirst(prefix.count)),
            let latest = stages[record.worker]?.latest, latest.frame == record.name
        else { return }
        let count = stages[record.worker]?.branches.count ?? 0
        guard count < limits.stages || stages[record.worker]?.branches[latest.stage] != nil else { return }
        stages[record.worker]?.branches[latest.stage, default: []].insert(branch)
    }

    var workers: [WhiskerMessage.Worker] {
        stages.sorted { $0.key < $1.key }.compactMap { worker, stages in
            let processors = stages.branches.sorted { number($0.key) < number($1.key) }.flatMap { stage, branches in
                [WhiskerMessage.Processor(id: stage, parent: nil, type: "SyncParallelPipeline")]
                    + branches.sorted().flatMap { branch in
                        [
                            WhiskerMessage.Processor(
                                id: "\(Self.sourcePrefix)\(branch)", parent: stage, type: "SyncParallelPipelineSource"),
                            WhiskerMessage.Processor(
                                id: "\(Self.sinkPrefix)\(branch)", parent: stage, type: "SyncParallelPipelineSink"),
                        ]
                    }
            }
            return processors.isEmpty ? nil : WhiskerMessage.Worker(id: worker, processors: processors)
        }
    }

    private func number(_ stage: String) -> Int { Int(stage.dropFirst(Self.stagePrefix.count)) ?? .max }
}
