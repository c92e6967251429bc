/// How much the history takes of a frame and of a session. Larger frames pass through the engine unharmed; what is left out is
/// told by its sizes and a hash in the table `omission`, and the view `frames` marks it as truncated.
public struct ContentLimits: Sendable, Hashable {
    /// `bytes` and `nameBytes` are at most this, 256 MiB, since SQLite refuses rows over 1 GB.
    public static let maxBytes = 256 << 20

    /// The most bytes of a payload, of a text, and of fields and metadata as JSON: each by itself. Default 64 MiB.
    public var bytes: Int
    /// The most bytes of a frame's name, and of an event's detail; longer ones are cut. Default 64 KiB.
    public var nameBytes: Int
    /// How deep fields and metadata may nest; what lies deeper becomes null. Default and at most 512, which every reader of
    /// JSON takes.
    public var depth: Int
    /// The most branches in a stage. A session of more is refused when it is opened. Default and at most 65,535.
    public var branches: Int

    /// - Precondition: all are positive; `bytes` and `nameBytes` above `maxBytes` count as that.
    public init(
        bytes: Int = 64 << 20, nameBytes: Int = 64 << 10, depth: Int = 512,
        branches: Int = 65_535
    ) {
        precondition(bytes > 0 && nameBytes > 0 && depth > 0 && branches > 0, "content limits are positive")
        self.bytes = min(bytes, Self.maxBytes)
        self.nameBytes = min(nameBytes, Self.maxBytes)
        self.depth = min(depth, JSONReader.maxDepth)
        self.branches = min(branches, EventCode.maxBranch + 1)
    }
}
