/// Processors one after the other. Without any, it passes frames through.
public final class Pipeline: FrameProcessor {
    public let link: ProcessorLink
    public let processors: [any FrameProcessor]

    /// - Throws: `PipelineError` for a processor that stands in two places (C1).
    public init(_ processors: [any FrameProcessor], name: String? = nil) throws(PipelineError) {
        try requireDistinct(processors)
        link = ProcessorLink(name: name)
        self.processors = processors
    }

    public var entryProcessors: [any FrameProcessor] { processors.first.map { [$0] } ?? [] }

    /// The stages and branches of a session of this pipeline.
    ///
    /// - Throws: `PipelineError` for a processor that stands in two places (C1).
    public func definition() throws(PipelineError) -> SessionDefinition { try PipelineSession(self).definition }

    /// The name given to it; nil if none was.
    public var givenName: String? { link.givenName }

    public func setup(_ setup: ProcessorSetup) async throws {
        for processor in processors {
            do { try await processor.setup(setup) } catch let error as PipelineError { throw error } catch {
                throw PipelineError(.setupFailed, "\(processor.name) could not be set up: \(error)")
            }
        }
    }

    public func cleanup() async {
        for processor in processors { await processor.cleanup() }
    }

    /// Hands a frame to the first processor (downstream) or the last one (upstream).
    public func process(_ frame: any Frame, direction: FrameDirection) async throws {
        let entry = direction == .downstream ? processors.first : processors.last
        await entry?.link.receive(frame, direction)
    }
}

/// Passes everything.
public final class IdentityProcessor: ImmediateProcessor {
    public let link: ProcessorLink

    public init(name: String? = nil) { link = ProcessorLink(name: name) }

    public func process(_ frame: any Frame, direction: FrameDirection, into output: inout FrameOutput) {
        output.push(frame, direction)
    }
}

/// Throws if one processor object stands in two places, at any depth (C1).
func requireDistinct(_ processors: [any FrameProcessor]) throws(PipelineError) {
    var seen: Set<ObjectIdentifier> = []
    var remaining = processors[...]
    while let processor = remaining.popFirst() {
        guard seen.insert(ObjectIdentifier(processor)).inserted else {
            throw PipelineError(
                .processorUsedTwice,
                "\(processor.name) stands in two places of a pipeline; make one processor for each place")
        }
        remaining.append(contentsOf: processor.processors)
    }
}
