/// How a history is written. All users of one file in a process share what the first of them opened it with, except that it is
/// `full` durability from when anybody asks for that.
public struct WriterOptions: Sendable, Hashable {
    /// What a loss of power may cost; a crash of the process costs no committed event either way.
    public enum Durability: String, Sendable, CaseIterable {
        /// The disk is waited for when the log is moved into the file (every 8 MiB), not at each commit: a loss of power may
        /// cost the last commits, whole ones, also those of which a flush has returned. The file stays sound.
        case normal
        /// The disk is waited for at each commit: what is committed survives a loss of power, as far as the disk keeps its word.
        case full
    }

    public var durability: Durability
    public var limits: ContentLimits
    /// How long to wait for others that write to the file, in seconds, before giving up.
    public var patience: Double
    /// How large the write-ahead log may become, in bytes, while somebody reads for so long that it cannot start anew. Then
    /// the reader is waited for, with `patience`, and named in the error.
    public var logLimit = 4 << 30

    /// How long the first event of a group waits for others, in ns: a reader sees an event this much later, and the time of
    /// the commit.
    var groupWindow: UInt64 = 10_000_000
    /// The same while somebody's reading makes the log grow: a commit writes whole pages, so that fewer of them cost less.
    var heldGroupWindow: UInt64 = 500_000_000
    /// From how many bytes on the write-ahead log counts as held, and is spoken of.
    var logNotice = 64 << 20
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
