import PipelineEngine

/// The topology that Whisker is shown for a session: a pipeline of its stages, with Pipecat's plumbing around.
struct WhiskTopology {
    /// The names that a stage's records are under.
    struct Stage {
        var name: String
        var sources: [String] = []
        var sinks: [String] = []
    }

    private(set) var stages: [Stage] = []
    private var processors: [MessagePackValue] = []
    private var connections: [MessagePackValue] = []
    private var names: Set<String> = []
    private var branchCount = 0
    private let definition: SessionDefinition

    init(_ definition: SessionDefinition) {
        self.definition = definition
        stages = definition.stages.map { Stage(name: $0.name) }
        for index in stages.indices { stages[index].name = unique(stages[index].name) }
        var ends = [add("Session::Source", "PipelineSource", parent: nil, behind: [])]
        for stage in definition.stages where stage.parent == nil { ends = add(stage, parent: nil, behind: ends) }
        add("Session::Sink", "PipelineSink", parent: nil, behind: ends)
    }

    var value: MessagePackValue {
        .map(["processors": .array(processors), "connections": .array(connections)])
    }

    /// Adds a stage with what is inside; gives the names that the next processor stands behind.
    private mutating func add(
        _ stage: SessionDefinition.Stage, parent: String?, behind ends: [String]
    ) -> [String] {
        let name = stages[stage.number].name
        describe(name, "SyncParallelPipeline", parent)
        var sinks: [String] = []
        for branch in stage.branches {
            let source = unique("SyncParallelPipelineSource#\(branchCount)")
            let sink = unique("SyncParallelPipelineSink#\(branchCount)")
            branchCount += 1
            stages[stage.number].sources.append(source)
            stages[stage.number].sinks.append(sink)
            var last = [add(source, "SyncParallelPipelineSource", parent: name, behind: ends)]
            var inner = definition.stages.filter {
                $0.parent == stage.number && place(of: $0, in: stage) == branch.number
            }
            for processor in branch.processors {
                if let index = inner.firstIndex(where: { $0.name == processor }) {
                    last = add(inner.remove(at: index), parent: name, behind: last)
                } else {
                    last = [add(unique(processor), "\(processor.prefix { $0 != "#" })", parent: name, behind: last)]
                }
            }
            for stage in inner { last = add(stage, parent: name, behind: last) }
            sinks.append(add(sink, "SyncParallelPipelineSink", parent: name, behind: last))
        }
        return sinks
    }

    /// The branch that an inner stage stands in: the definition names it among the processors, or does not say.
    private func place(of inner: SessionDefinition.Stage, in stage: SessionDefinition.Stage) -> Int {
        stage.branches.first { $0.processors.contains(inner.name) }?.number ?? 0
    }

    @discardableResult
    private mutating func add(_ name: String, _ type: String, parent: String?, behind ends: [String]) -> String {
        describe(name, type, parent)
        for end in ends { connections.append(.map(["from": .string(end), "to": .string(name)])) }
        return name
    }

    private mutating func describe(_ name: String, _ type: String, _ parent: String?) {
        processors.append(
            .map([
                "id": .string(name), "name": .string(name), "parent": parent.map(MessagePackValue.string) ?? .null,
                "type": .string(type),
            ]))
    }

    private mutating func unique(_ name: String) -> String {
        var candidate = name
        var number = 2
        while !names.insert(candidate).inserted {
            candidate = "\(name) (\(number))"
            number += 1
        }
        return candidate
    }
}
