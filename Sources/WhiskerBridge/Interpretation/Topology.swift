import PipelineEngine

/// The stages of a bot's workers, and where each of its processors stands.
///
/// Stages are numbered in the order of the topology, which is definition order with the outer before the inner; those
/// of a worker that joins later follow.
struct Topology: Sendable {
    /// A branch of a stage.
    struct BranchPlace: Sendable, Hashable {
        var stage: Int
        var branch: Int
    }

    /// Where a processor stands.
    struct Place: Sendable {
        enum Role: Sendable, Hashable {
            /// The stage itself.
            case stage(Int)
            /// Where a branch begins and where it ends.
            case source(BranchPlace)
            case sink(BranchPlace)
            case processor
        }

        var role: Role
        /// The branches that the processor stands in, outermost first.
        var inside: [BranchPlace]
    }

    private struct Address: Hashable {
        var worker: String
        var processor: String
    }

    private(set) var definition = SessionDefinition()
    private var places: [Address: Place] = [:]
    /// The processors directly in each branch, in order: what a frame passes on its way to the sink.
    private var ways: [BranchPlace: [String]] = [:]

    func place(worker: String, processor: String) -> Place? {
        places[Address(worker: worker, processor: processor)]
    }

    /// The processor that comes behind `processor` in a branch; nil behind the last and for one further inside.
    func next(after processor: String, in branch: BranchPlace) -> String? {
        guard let way = ways[branch], let index = way.firstIndex(of: processor), index + 1 < way.count else {
            return nil
        }
        return way[index + 1]
    }

    func stageName(_ number: Int) -> String { definition.stages[number].name }

    mutating func setOrder(_ order: FrameOrder?, ofStage number: Int) { definition.stages[number].frameOrder = order }

    /// Adds a worker's stages; one that is known already, from a worker that registered twice, stays as it is.
    ///
    /// - Returns: the numbers of the new stages.
    /// - Throws: `WhiskerError` when there are more stages, or deeper ones, than the limits allow.
    mutating func add(
        _ worker: WhiskerMessage.Worker, orders: KnownOrders.Session, limits: WhiskerLimits
    ) throws(WhiskerError) -> Range<Int> {
        let first = definition.stages.count
        // A stage is whatever stands around a SyncParallelPipelineSource: a subclass has another type name.
        let stageIDs = Set(worker.processors.lazy.filter(\.isSource).compactMap(\.parent))
        var inside: [String: [BranchPlace]] = [:]
        var numbers: [String: Int] = [:]
        for processor in worker.processors {
            let address = Address(worker: worker.id, processor: processor.id)
            guard places[address] == nil else { continue }
            var around = processor.parent.flatMap { inside[$0] } ?? []
            var role = Place.Role.processor
            if let stage = processor.parent.flatMap({ numbers[$0] }) {
                if processor.isSource { definition.stages[stage].addBranch() }
                let place = BranchPlace(stage: stage, branch: definition.stages[stage].branches.count - 1)
                if place.branch >= 0 {
                    around.append(place)
                    if processor.isSource { role = .source(place) }
                    if processor.isSink { role = .sink(place) }
                    ways[place, default: []].append(processor.id)
                }
            }
            if stageIDs.contains(processor.id) {
                let number = definition.stages.count
                guard number < limits.stages, around.count < limits.recordDepth else {
                    throw WhiskerError(
                        .malformed,
                        "the bot has more than \(limits.stages) stages, or stages nested deeper than "
                            + "\(limits.recordDepth)")
                }
                definition.stages.append(
                    SessionDefinition.Stage(
                        number: number, name: processor.id, frameOrder: orders[number], branches: [],
                        parent: around.last?.stage))
                numbers[processor.id] = number
                role = .stage(number)
            }
            inside[processor.id] = around
            places[address] = Place(role: role, inside: around)
            if let branch = around.last, !processor.isPlumbing {
                definition.stages[branch.stage].branches[branch.branch].add(processor.id)
            }
        }
        return first..<definition.stages.count
    }
}

extension WhiskerMessage.Processor {
    fileprivate var isSource: Bool { type == "SyncParallelPipelineSource" }
    fileprivate var isSink: Bool { type == "SyncParallelPipelineSink" }
    /// Put there by Pipecat around what the bot's maker wrote.
    fileprivate var isPlumbing: Bool {
        isSource || isSink || type == "PipelineSource" || type == "PipelineSink" || type == "Pipeline"
    }
}

extension SessionDefinition.Stage {
    fileprivate mutating func addBranch() {
        branches.append(SessionDefinition.Branch(number: branches.count, processors: []))
    }
}

extension SessionDefinition.Branch {
    /// Pipecat's branches have no names: the first processor's tells them apart best.
    fileprivate mutating func add(_ processor: String) {
        if processors.isEmpty { name = processor }
        processors.append(processor)
    }
}
