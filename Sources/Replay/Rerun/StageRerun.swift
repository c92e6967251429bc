public import PipelineEngine

/// Runs one recorded stage again, alone, through the real engine on simulated time.
///
/// The stage is rebuilt with as many branches, in each a `RecordedBranch`. Then the recording is played, event by event in
/// its order:
/// 1. what came from outside goes in at its recorded time: inbound frames, and system frames that passed;
/// 2. what a branch put out is pushed from that branch, as long after the batch's acceptance as it was recorded: outputs,
///    late ones, system frames born there;
/// 3. each branch gives its SyncFrame back when it did.
/// What the stage makes of it (batches, order, duplicates, drops, stalls, releases) is the engine's doing. The order of the
/// recording is finer than its clock, so each step waits until the engine has done all it can for the one before.
///
/// Memory holds the open batch and the events being read, however long the recording.
public struct StageRerun: Sendable {
    /// A batch as recorded, and as it came about in the rerun.
    public struct Batch: Sendable {
        public var recorded: RecordedBatch
        /// nil when the rerun did not end it.
        public var rerun: RecordedBatch?
    }

    public var stage: SessionDefinition.Stage
    public var order: FrameOrder
    public var stallRule: StallRule
    /// Called before each step with its time; what it awaits holds up the rerun and not its clock.
    public var pace: (@Sendable (_ time: Int64) async throws -> Void)?
    /// Is given each frame that leaves the stage, the moment it does.
    public var output: @Sendable (PipelineEngine.ReleasedFrame) -> Void = { _ in }

    public init(stage: SessionDefinition.Stage, order: FrameOrder, stallRule: StallRule = .never) {
        self.stage = stage
        self.order = order
        self.stallRule = stallRule
    }

    /// Plays the recording.
    ///
    /// - Parameters:
    ///   - nextEvents: the next events of the stage, in the order of their sequence; nil at the end.
    ///   - take: is given every batch that the recording has from its beginning to its end, in the order in which they end,
    ///     and then those that the recording leaves open or lacks the beginning of. Throw to stop.
    /// - Throws: what `nextEvents`, `take` and `pace` throw, and `PipelineError`.
    public func run(
        _ nextEvents: @escaping @Sendable () throws -> [SessionEvent]?,
        _ take: @escaping @Sendable (Batch) throws -> Void
    ) async throws {
        let pairing = BatchPairing(stage: stage.number)
        let branches = stage.branches.map { RecordedBranch(name: $0.name) }
        let pipelines = try zip(branches, stage.branches).map { try Pipeline([$0], name: $1.name) }
        let pipeline = try Pipeline([
            SyncParallelPipeline(
                branches: pipelines, frameOrder: order, stallTimeout: stallRule.timeout,
                stallPolicy: stallRule.policy, name: stage.name)
        ])
        let session = try PipelineSession(pipeline, time: .virtual(), observer: pairing, output: output)
        try await session.start()
        let outcome: Result<Void, any Error>
        do {
            try await session.perform {
                let player = RecordingPlayer(
                    session: session, branches: branches, isOutermost: stage.parent == nil, pairing: pairing, pace: pace
                )
                while let events = try nextEvents() {
                    for event in events {
                        for batch in pairing.record(event) { try take(batch) }
                        try await player.play(event)
                        for batch in pairing.takeEnded() { try take(batch) }
                    }
                }
                try await player.finish()
                for batch in pairing.takeRest() { try take(batch) }
            }
            outcome = .success(())
        } catch { outcome = .failure(error) }
        for branch in branches { await session.perform { branch.end() } }
        await session.cancel()
        try outcome.get()
    }
}
