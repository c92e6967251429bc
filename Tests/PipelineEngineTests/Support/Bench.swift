import NIOConcurrencyHelpers

@testable import PipelineEngine

/// Runs a pipeline on simulated time and keeps all that it reports and puts out.
final class Bench: SessionObserver {
    private let state = NIOLockedValueBox<(events: [SessionEvent], output: [ReleasedFrame])>(([], []))

    var events: [SessionEvent] { state.withLockedValue { $0.events } }
    var output: [ReleasedFrame] { state.withLockedValue { $0.output } }

    func observe(_ event: SessionEvent) { state.withLockedValue { $0.events.append(event) } }

    /// Feeds `input` into a fresh session of `processors`, ends it, and returns what happened.
    @discardableResult
    static func run(
        _ processors: [any FrameProcessor], time: PipelineSession.Time = .virtual(), _ input: [Input],
        end: Bool = true
    ) async throws -> Bench {
        let bench = Bench()
        let session = try bench.session(processors, time: time)
        try await session.start()
        try await session.send(timed: Inputs(input: input, identity: session.identity))
        if end { await session.end() } else { await session.cancel() }
        return bench
    }

    func session(_ processors: [any FrameProcessor], time: PipelineSession.Time = .virtual()) throws -> PipelineSession
    {
        try PipelineSession(Pipeline(processors), time: time, observer: self) { released in
            self.state.withLockedValue { $0.output.append(released) }
        }
    }

    /// What left the pipeline, as `↓hello` or `↑ErrorFrame`, without the session's own Start and EndFrame.
    var released: [String] { Self.marks(output).filter { $0 != "↓StartFrame" && $0 != "↓EndFrame" } }

    /// As `released`, Start and EndFrame included.
    var allReleased: [String] { Self.marks(output) }

    private static func marks(_ output: [ReleasedFrame]) -> [String] {
        output.map { ($0.direction == .downstream ? "↓" : "↑") + ($0.frame.text ?? $0.frame.type.name) }
    }

    func events(_ kind: SessionEvent.Kind) -> [SessionEvent] { events.filter { $0.kind == kind } }

    /// The outcomes of the batches of a stage, in order.
    func outcomes(stage: Int = 0) -> [BatchOutcome] {
        events.filter { $0.stage == stage }.compactMap(\.outcome)
    }

    /// Every event in a short form, for comparing whole runs.
    var trace: [String] {
        events.map { event in
            "\(event.sequence) \(event.time) \(event.kind) \(event.stage).\(event.batch).\(event.branch) "
                + "\(event.emission)/\(event.arrival)/\(event.position) of \(event.subject) "
                + "\(event.frame?.name ?? "-") \(event.frame?.text ?? "") \(event.detail ?? "")"
        }
    }

    func frame(at sequence: Int64) -> (any Frame)? { events.first { $0.sequence == sequence }?.frame }
}

/// One frame of a test's input.
struct Input: Sendable {
    let make: @Sendable () -> any Frame
    var direction = FrameDirection.downstream
    /// ms
    var at: Int64?

    static func text(_ text: String, at: Int64? = nil, _ direction: FrameDirection = .downstream) -> Input {
        Input(make: { TextFrame(text) }, direction: direction, at: at)
    }

    static func frame(
        at: Int64? = nil, _ direction: FrameDirection = .downstream, _ make: @escaping @Sendable () -> any Frame
    ) -> Input {
        Input(make: make, direction: direction, at: at)
    }

    static func system(_ type: String = "UserStartedSpeakingFrame", at: Int64? = nil) -> Input {
        Input(make: { GenericFrame(FrameType.catalogue[type]!) }, at: at)
    }
}

struct Inputs: AsyncSequence, Sendable {
    let input: [Input]
    let identity: FrameIdentity

    struct AsyncIterator: AsyncIteratorProtocol {
        var remaining: ArraySlice<Input>
        let identity: FrameIdentity

        mutating func next() async -> TimedFrame? {
            guard let input = remaining.popFirst() else { return nil }
            return identity.use {
                TimedFrame(input.make(), direction: input.direction, time: input.at.map { $0 * 1_000_000 })
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(remaining: input[...], identity: identity) }
}
