import PipelineEngine

extension RecordedBatch {
    /// The batch as the view `batches` lists it.
    var summary: BatchSummary {
        let inboundMs = inbound.map { Double($0.time) / 1e6 }
        let endMs = end.map { Double($0.time) / 1e6 }
        return BatchSummary(
            stage: stage, batch: batch, frameID: inbound?.frame?.id, frameType: inbound?.frame?.type.name,
            direction: inbound?.direction?.rawValue, inboundMs: inboundMs, releasedMs: endMs,
            heldMs: inbound.flatMap { inbound in end.map { Double($0.time - inbound.time) / 1e6 } },
            outcome: outcome?.rawValue ?? "open")
    }

    /// Each branch's part in it, as the view `barriers` lists them.
    func barriers(branches: Int) -> [BranchBarrier] {
        var syncOf: [Int: SessionEvent] = [:]
        for sync in syncs { syncOf[sync.branch] = sync }
        var outputsOf: [Int: Int] = [:]
        for output in outputs { outputsOf[output.branch, default: 0] += 1 }
        let numbers = Set(0..<branches).union(syncOf.keys).union(outputsOf.keys).filter { $0 >= 0 }.sorted()
        let isComplete = numbers.allSatisfy { syncOf[$0] != nil }
        let last = syncs.max { $0.sequence < $1.sequence }
        let until = isComplete ? last?.time : end?.time
        return numbers.map { branch in
            let sync = syncOf[branch]
            return BranchBarrier(
                stage: stage, batch: batch, branch: branch, outputs: outputsOf[branch] ?? 0,
                syncMs: sync.map { Double($0.time) / 1e6 },
                waitedMs: sync.flatMap { sync in until.map { Double($0 - sync.time) / 1e6 } },
                straggler: isComplete ? sync?.sequence == last?.sequence : sync == nil)
        }
    }
}
