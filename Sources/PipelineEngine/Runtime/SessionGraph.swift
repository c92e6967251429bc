/// Builds the nodes of a session from its pipeline, in definition order.
struct SessionGraph {
    let core: SessionCore
    private(set) var stages: [SessionDefinition.Stage] = []
    /// Every processor with its node and the name under which it runs.
    private(set) var places: [(processor: any FrameProcessor, node: Node, name: String)] = []
    private var namesGiven: [String: Int] = [:]

    init(_ pipeline: Pipeline, core: SessionCore) throws(PipelineError) {
        self.core = core
        try requireDistinct([pipeline])
        name(pipeline)
        var last: Node = core.head
        for node in makeNodes(pipeline.processors, place: nil, parent: nil) + [core.tail as Node] {
            Node.connect(last, node)
            last = node
        }
        core.nodes.append(contentsOf: [core.head, core.tail])
    }

    /// The nodes of processors in a row; inner pipelines are part of the row.
    private mutating func makeNodes(
        _ processors: [any FrameProcessor], place: BranchPlace?, parent: Int?
    ) -> [Node] {
        processors.flatMap { processor -> [Node] in
            let processorName = name(processor)
            if let pipeline = processor as? Pipeline {
                return makeNodes(pipeline.processors, place: place, parent: parent)
            }
            let node = makeNode(processor, named: processorName, place: place, parent: parent)
            return [node]
        }
    }

    private mutating func makeNode(
        _ processor: any FrameProcessor, named processorName: String, place: BranchPlace?, parent: Int?
    ) -> Node {
        if let place, let parent {
            stages[parent].branches[place.branch].processors.append(processorName)
        }
        switch processor {
        case let stage as SyncParallelPipeline:
            return makeStage(stage, named: processorName, place: place, parent: parent)
        case let parallel as ParallelPipeline:
            let node = ParallelNode(session: core, processor: parallel, place: place)
            keep(node, for: parallel, named: processorName)
            node.branches = parallel.branches.enumerated().map { index, branch in
                name(branch)
                let nodes = makeNodes(branch.processors, place: place, parent: parent)
                return BranchNodes(
                    nodes: nodes, source: end(of: node, index), sink: end(of: node, index))
            }
            return node
        case let immediate as any ImmediateProcessor:
            let node = ImmediateNode(session: core, processor: immediate, place: place)
            keep(node, for: immediate, named: processorName)
            return node
        default:
            let node = AsyncNode(session: core, asynchronous: processor, place: place)
            keep(node, for: processor, named: processorName)
            return node
        }
    }

    private mutating func makeStage(
        _ stage: SyncParallelPipeline, named stageName: String, place: BranchPlace?, parent: Int?
    ) -> StageNode {
        let number = stages.count
        let node = StageNode(session: core, stage: stage, number: number, place: place)
        keep(node, for: stage, named: stageName)
        core.stages.append(node)
        stages.append(
            SessionDefinition.Stage(
                number: number, name: stageName, frameOrder: stage.frameOrder,
                branches: stage.branches.enumerated().map { index, branch in
                    SessionDefinition.Branch(number: index, name: branch.givenName, processors: [])
                },
                parent: parent))
        node.branches = stage.branches.enumerated().map { index, branch in
            name(branch)
            let nodes = makeNodes(
                branch.processors, place: BranchPlace(stage: node, branch: index), parent: number)
            let source = end(of: node, index, for: stage.sources[index])
            let sink = end(of: node, index, for: stage.sinks[index])
            return BranchNodes(nodes: nodes, source: source, sink: sink)
        }
        return node
    }

    private mutating func end(of owner: Node, _ branch: Int, for processor: (any FrameProcessor)? = nil) -> BranchEnd {
        let end = BranchEnd(owner: owner, branch: branch, processor: processor)
        if let processor { keep(end, for: processor, named: name(processor)) } else { core.nodes.append(end) }
        return end
    }

    private mutating func keep(_ node: Node, for processor: any FrameProcessor, named name: String) {
        core.nodes.append(node)
        places.append((processor, node, name))
    }

    /// The name of a processor: the one it was given, else its type's with a running number.
    @discardableResult
    private mutating func name(_ processor: any FrameProcessor) -> String {
        if let given = processor.link.givenName { return given }
        let type = String(describing: Swift.type(of: processor))
        defer { namesGiven[type, default: 0] += 1 }
        return "\(type)#\(namesGiven[type, default: 0])"
    }
}
