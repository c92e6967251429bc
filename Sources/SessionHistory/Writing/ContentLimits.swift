/// How much of a frame the history keeps. Larger frames pass through the engine unharmed; what is left out is counted in the
/// table `omission`.
public struct ContentLimits: Sendable, Hashable {
    /// The most bytes of a payload, of a text, and of fields and metadata as JSON: each by itself. Default 64 MiB.
    public var bytes: Int
    /// The most bytes of a frame's name, and of an event's detail; longer ones are cut. Default 64 KiB.
    public var nameBytes: Int

    /// - Precondition: both are positive; values above 256 MiB count as that, since SQLite refuses rows over 1 GB.
    public init(bytes: Int = 64 << 20, nameBytes: Int = 64 << 10) {
        precondition(bytes > 0 && nameBytes > 0, "content limits are positive")
        self.bytes = min(bytes, 256 << 20)
        self.nameBytes = min(nameBytes, 256 << 20)
    }
}
