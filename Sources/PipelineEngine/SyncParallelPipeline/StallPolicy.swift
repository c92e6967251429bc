/// What a stage does about a branch that does not give its SyncFrame back in time (C12).
public enum StallPolicy: String, Sendable, CaseIterable {
    /// Records the stall and goes on waiting.
    case wait
    /// Releases what has arrived; the branch's later outputs are late (C13).
    case release
    /// Sends a fatal error upstream; the batch fails.
    case fail
}
