public import PipelineEngine

extension PipelineDescription {
    /// A new pipeline as described; each call gives one of its own, to be run once.
    ///
    /// - Parameter order: overrides the frame order of every stage, if given.
    /// - Throws: `PipelineError`, when the engine refuses what the file allows.
    public func build(order: FrameOrder? = nil) throws(PipelineError) -> Pipeline {
        let builder = PipelineBuilder(order: order, types: types)
        return try Pipeline(try builder.processors(processors), name: name)
    }
}

/// Makes the engine's objects of a description.
private struct PipelineBuilder {
    let order: FrameOrder?
    let types: FrameTypes

    func processors(_ descriptions: [ProcessorDescription]) throws(PipelineError) -> [any FrameProcessor] {
        var processors: [any FrameProcessor] = []
        for description in descriptions { processors.append(try processor(description)) }
        return processors
    }

    private func processor(_ description: ProcessorDescription) throws(PipelineError) -> any FrameProcessor {
        let name = description.name
        switch description.kind {
        case .identity: return IdentityProcessor(name: name)
        case .delay(let options): return Delay(options, name: name)
        case .emit(let options): return options.waits ? TimedEmit(options, name: name) : Emit(options, name: name)
        case .drop(let on): return Drop(on, name: name)
        case .fail(let on, let message): return Fail(on, message: message, name: name)
        case .burn(let on, let nanoseconds): return Burn(on, nanoseconds: nanoseconds, name: name)
        case .exec(let options): return Exec(options, name: name)
        case .worker(let call): return Worker(call, types: types, name: name)
        case .parallel(let branches): return try ParallelPipeline(branches: try pipelines(branches), name: name)
        case .syncParallel(let stage):
            return try SyncParallelPipeline(
                branches: try pipelines(stage.branches), frameOrder: order ?? stage.frameOrder,
                stallTimeout: stage.stallTimeout ?? SyncParallelPipeline.defaultStallTimeout,
                stallPolicy: stage.stallPolicy, name: name)
        }
    }

    private func pipelines(_ branches: [BranchDescription]) throws(PipelineError) -> [Pipeline] {
        var pipelines: [Pipeline] = []
        for branch in branches { pipelines.append(try Pipeline(try processors(branch.processors), name: branch.name)) }
        return pipelines
    }
}
