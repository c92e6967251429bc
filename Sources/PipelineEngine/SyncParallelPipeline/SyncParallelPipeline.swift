/// A stage: gives each synchronized frame to all of its branches, holds what they put out until every branch has finished,
/// then releases it in one order (C1 to C19).
///
///     let stage = try SyncParallelPipeline([[images], [speech]], frameOrder: .pipeline)
///
/// `.arrival` releases in the order in which outputs came, over all branches; `.pipeline` everything of the first branch, then
/// of the second, and so on: images before the audio that goes with them.
public final class SyncParallelPipeline: FrameProcessor {
    public let link: ProcessorLink
    public let branches: [Pipeline]
    public let frameOrder: FrameOrder
    /// How long a branch may take to give a batch's SyncFrame back before the stall is recorded, in ns.
    public let stallTimeout: Int64
    public let stallPolicy: StallPolicy
    let sources: [SyncParallelPipelineSource]
    let sinks: [SyncParallelPipelineSink]

    /// 30 s, in ns.
    public static let defaultStallTimeout: Int64 = 30_000_000_000

    /// A stage of these branches; an empty one passes frames through.
    ///
    /// - Throws: `PipelineError` for no branch at all, and for a processor that stands in two places (C1).
    public convenience init(
        _ branches: [[any FrameProcessor]], frameOrder: FrameOrder = .arrival,
        stallTimeout: Int64 = defaultStallTimeout, stallPolicy: StallPolicy = .wait, name: String? = nil
    ) throws(PipelineError) {
        var pipelines: [Pipeline] = []
        for branch in branches { pipelines.append(try Pipeline(branch)) }
        try self.init(
            branches: pipelines, frameOrder: frameOrder, stallTimeout: stallTimeout, stallPolicy: stallPolicy,
            name: name)
    }

    /// A stage of branches that may have names.
    ///
    /// - Throws: as above.
    public init(
        branches: [Pipeline], frameOrder: FrameOrder = .arrival, stallTimeout: Int64 = defaultStallTimeout,
        stallPolicy: StallPolicy = .wait, name: String? = nil
    ) throws(PipelineError) {
        guard !branches.isEmpty else {
            throw PipelineError(.noBranch, "a SyncParallelPipeline needs at least one branch")
        }
        try requireDistinct(branches)
        link = ProcessorLink(name: name)
        self.branches = branches
        self.frameOrder = frameOrder
        self.stallTimeout = stallTimeout
        self.stallPolicy = stallPolicy
        sources = branches.map { _ in SyncParallelPipelineSource() }
        sinks = branches.map { _ in SyncParallelPipelineSink() }
    }

    /// The branches.
    public var processors: [any FrameProcessor] { branches }

    /// The sources of the branches.
    public var entryProcessors: [any FrameProcessor] { sources }

    public func setup(_ setup: ProcessorSetup) async throws {
        for branch in branches { try await branch.setup(setup) }
    }

    public func cleanup() async {
        for branch in branches { await branch.cleanup() }
    }

    /// Takes a frame as if it came from the neighbour: downstream from the one before, upstream from the one after.
    public func process(_ frame: any Frame, direction: FrameDirection) async throws {
        await link.receive(frame, direction)
    }
}

/// The start of a branch: downstream frames go into the branch here, upstream ones have reached its end.
public final class SyncParallelPipelineSource: FrameProcessor {
    public let link = ProcessorLink()

    init() {}

    public func process(_ frame: any Frame, direction: FrameDirection) async throws {
        if direction == .downstream { await push(frame, direction) } else { await link.receive(frame, direction) }
    }
}

/// The end of a branch: downstream frames have reached it, upstream ones go into the branch here.
public final class SyncParallelPipelineSink: FrameProcessor {
    public let link = ProcessorLink()

    init() {}

    public func process(_ frame: any Frame, direction: FrameDirection) async throws {
        if direction == .upstream { await push(frame, direction) } else { await link.receive(frame, direction) }
    }
}
