/// Branches side by side without synchronization: each frame goes into all of them, what comes out goes on at once.
///
/// A frame that passes through several branches comes out once, with the first. Start, End and StopFrame come out when all
/// branches have passed them.
public final class ParallelPipeline: FrameProcessor {
    public let link: ProcessorLink
    public let branches: [Pipeline]

    /// - Throws: `PipelineError` for no branch at all, and for a processor that stands in two places (C1).
    public init(branches: [Pipeline], name: String? = nil) throws(PipelineError) {
        guard !branches.isEmpty else {
            throw PipelineError(.noBranch, "a ParallelPipeline needs at least one branch")
        }
        try requireDistinct(branches)
        link = ProcessorLink(name: name)
        self.branches = branches
    }

    public var processors: [any FrameProcessor] { branches }
    public var entryProcessors: [any FrameProcessor] { branches }

    public func setup(_ setup: ProcessorSetup) async throws {
        for branch in branches { try await branch.setup(setup) }
    }

    public func cleanup() async {
        for branch in branches { await branch.cleanup() }
    }

    /// Takes a frame as if it came from the neighbour.
    public func process(_ frame: any Frame, direction: FrameDirection) async throws {
        await link.receive(frame, direction)
    }
}
