import DequeModule

/// One step of a pipeline: takes a frame, pushes what it makes of it.
///
///     final class Shout: FrameProcessor {
///         let link = ProcessorLink()
///
///         func process(_ frame: any Frame, direction: FrameDirection) async throws {
///             guard let text = frame.text else { return await push(frame, direction) }
///             await push(TextFrame(text.uppercased()), direction)
///         }
///     }
///
/// Every frame comes through `process`: a processor forwards what it does not care for. Synchronized frames come one at
/// a time, in order; a system frame comes at once, even while a synchronized one is being processed (C17). Both run on
/// the session's executor unless the processor moves elsewhere: what computes for long does so with
/// `withTaskExecutorPreference(globalConcurrentExecutor)`, so that branches use several cores.
///
/// An interruption cancels the task in which an interruptible frame is processed (C10); what it pushes afterwards is
/// dropped. That task is the session's, and calls other processors too. An error thrown costs the frame, not the batch (C11).
public protocol FrameProcessor: AnyObject, Sendable {
    /// The processor's place in its pipeline: `let link = ProcessorLink()`.
    var link: ProcessorLink { get }

    /// The processors directly inside this one; none for all but pipelines.
    var processors: [any FrameProcessor] { get }

    /// The processors through which a frame enters this one; none for all but pipelines.
    var entryProcessors: [any FrameProcessor] { get }

    /// Whether the processor reports metrics.
    var generatesMetrics: Bool { get }

    /// Called once before the first frame.
    ///
    /// - Throws: anything; the session then does not start.
    func setup(_ setup: ProcessorSetup) async throws

    /// Called once after the last frame, also when the session failed.
    func cleanup() async

    /// Handles one frame.
    nonisolated(nonsending) func process(_ frame: any Frame, direction: FrameDirection) async throws

    /// Returns when all that the processor took on before is pushed. A processor that goes on working after `process`
    /// has returned implements it; the SyncFrame passes when it returns (C6).
    nonisolated(nonsending) func drain() async throws
}

extension FrameProcessor {
    public var processors: [any FrameProcessor] { [] }
    public var entryProcessors: [any FrameProcessor] { [] }
    public var generatesMetrics: Bool { false }
    public func setup(_ setup: ProcessorSetup) async throws {}
    public func cleanup() async {}
    public nonisolated(nonsending) func drain() async throws {}

    /// The name given to the link, else the type's name with its number in the pipeline: `Shout#0`.
    public var name: String { link.name ?? String(describing: Self.self) }

    /// This processor and those inside it that report metrics.
    public func processorsWithMetrics() -> [any FrameProcessor] {
        (generatesMetrics ? [self] : []) + processors.flatMap { $0.processorsWithMetrics() }
    }

    /// Sends a frame to the next processor (downstream) or the one before (upstream). Waits while the next one has more
    /// to do than it can take (C19).
    public nonisolated(nonsending) func push(
        _ frame: consuming any Frame, _ direction: FrameDirection = .downstream
    ) async {
        await link.push(frame, direction)
    }
}

/// A processor that never waits: the engine calls it without a task around it, many times faster than `process`.
public protocol ImmediateProcessor: FrameProcessor {
    /// Handles one frame; what it puts into `output` goes on, in order, when it returns or throws.
    func process(_ frame: any Frame, direction: FrameDirection, into output: inout FrameOutput) throws
}

extension ImmediateProcessor {
    public func process(_ frame: any Frame, direction: FrameDirection) async throws {
        var output = FrameOutput()
        let outcome = Result { try process(frame, direction: direction, into: &output) }
        while let item = output.items.popFirst() {
            if let parcel = item.parcel { await push(parcel.frame, item.direction) }
        }
        try outcome.get()
    }
}

/// What an `ImmediateProcessor` pushes for one frame, in order.
public struct FrameOutput: ~Copyable {
    var items = UniqueDeque<Item>()

    init() {}

    public mutating func push(_ frame: consuming any Frame, _ direction: FrameDirection = .downstream) {
        items.append(Item(frame, direction))
    }
}

/// What a processor is told before its session starts.
public struct ProcessorSetup: Sendable {
    /// The session's clock.
    public let clock: PipelineClock
}
