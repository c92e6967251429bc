public import PipelineEngine

/// What a pipeline file says, checked as a whole: a tree of values from which any number of pipelines are built.
public struct PipelineDescription: Sendable, Hashable {
    /// The file as it was named.
    public var file: String
    /// The text that it was read from.
    public var yaml: String
    /// The pipeline's name, if the file gives it one.
    public var name: String?
    /// The frame types that frames of this pipeline may name: the catalogue's and the file's own.
    public var types: FrameTypes
    var processors: [ProcessorDescription]
}

extension PipelineDescription {
    /// Keeps the ids that the file itself gives to emitted frames from being given to others. Call it with the identity of
    /// a session before it starts.
    public func reserveIDs(in identity: FrameIdentity) {
        for id in processors.flatMap(\.ids) { identity.leaveOut(id) }
    }
}

extension ProcessorDescription {
    fileprivate var ids: [Int64] {
        switch kind {
        case .emit(let options): options.frames.compactMap(\.id)
        case .syncParallel(let stage): stage.branches.flatMap { $0.processors.flatMap(\.ids) }
        case .parallel(let branches): branches.flatMap { $0.processors.flatMap(\.ids) }
        default: []
        }
    }
}

/// One processor of a pipeline file.
struct ProcessorDescription: Sendable, Hashable {
    /// Where it stands in the file, from 1.
    var line: Int
    var column: Int
    /// A name of its own, if the file gives it one.
    var name: String?
    var kind: Kind

    indirect enum Kind: Sendable, Hashable {
        case identity
        case delay(DelayOptions)
        case emit(EmitOptions)
        case drop(TypeFilter)
        case fail(TypeFilter, message: String)
        /// `nanoseconds` of computing.
        case burn(TypeFilter, nanoseconds: Int64)
        case exec(ExecOptions)
        case worker(ProgramCall)
        case syncParallel(StageOptions)
        case parallel([BranchDescription])
    }
}

/// One branch of `sync_parallel` or `parallel`.
struct BranchDescription: Sendable, Hashable {
    var name: String?
    var processors: [ProcessorDescription]
}

struct StageOptions: Sendable, Hashable {
    var frameOrder: FrameOrder = .arrival
    /// In ns; nil: the engine's own default.
    var stallTimeout: Int64?
    var stallPolicy: StallPolicy = .wait
    var branches: [BranchDescription] = []
}
