public import PipelineEngine

/// When a stage takes a branch for stalled, and what it does then (C12).
public struct StallRule: Sendable, Hashable {
    public var timeout: Int64
    public var policy: StallPolicy

    /// No stall within any recording's time: what holds for a stage that recorded none.
    public static let never = StallRule(timeout: 1 << 60, policy: .wait)

    public init(timeout: Int64, policy: StallPolicy) {
        self.timeout = timeout
        self.policy = policy
    }

    /// The rule that a recorded batch with a stall was run under: a recording says what happened, not how the stage was set.
    ///
    /// - Returns: nil if the batch has no stall, or the recording lacks its beginning.
    public init?(shownBy batch: RecordedBatch) {
        guard let inbound = batch.inbound, let stall = batch.incidents.first(where: { $0.kind == .stall }) else {
            return nil
        }
        timeout = max(1, stall.time - inbound.time)
        let hasSynced = batch.syncs.contains { $0.branch == stall.branch }
        policy =
            switch batch.outcome {
            case .failed: .fail
            case .released where !hasSynced, .interrupted where !hasSynced: .release
            default: .wait
            }
    }
}
