/// How a history is written. All users of one file in a process share what the first of them opened it with.
public struct WriterOptions: Sendable, Hashable {
    /// What a loss of power may cost; a crash of the process costs no committed event either way.
    public enum Durability: String, Sendable, CaseIterable {
        /// The last events before a loss of power may be missing; the file stays whole.
        case normal
        /// What is committed is on the disk.
        case full
    }

    public var durability: Durability
    public var limits: ContentLimits
    /// How long to wait for others that write to the file, in seconds, before giving up.
    public var patience: Double

    /// How long the first event of a group waits for others, in ns: a reader sees an event this much later, and the time of
    /// the commit.
    var groupWindow: UInt64 = 10_000_000
    /// So many events go without waiting, and into one transaction.
    var groupEvents = 16_384
    /// The write-ahead log is checkpointed when it has so many pages (of 16 KiB).
    var checkpointPages = 512
    /// Called on the writer's thread before each commit: lets tests slow the writer down.
    var throttle: Throttle?

    public init(durability: Durability = .normal, limits: ContentLimits = ContentLimits(), patience: Double = 30) {
        self.durability = durability
        self.limits = limits
        self.patience = patience
    }

    struct Throttle: Sendable, Hashable {
        let run: @Sendable () -> Void
        static func == (left: Throttle, right: Throttle) -> Bool { false }
        func hash(into hasher: inout Hasher) {}
    }
}
