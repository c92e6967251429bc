/// How much a recording or a server may ask for: what keeps memory and time bounded whatever the peer sends.
public struct WhiskerLimits: Sendable, Hashable {
    /// The largest record, in bytes.
    public var recordBytes = 32 << 20
    /// The most values, keys included, in one record.
    public var recordValues = 1 << 20
    /// The deepest nesting of a record.
    public var recordDepth = 64
    /// The largest WebSocket frame, in bytes; below 4 GiB. Whisker sends all that happened before its first client as
    /// one.
    public var frameBytes = 128 << 20
    /// The most WebSocket frames that one message may be cut into.
    public var messageFragments = 16_384
    /// The most stages in all.
    public var stages = 1_024
    /// The most frames, and bytes of them, that may wait in one stage before what happens there is followed no more until
    /// its next batch.
    public var heldFrames = 65_536
    public var heldBytes = 64 << 20
    /// The most findings of one kind in one stage that are told one by one; the others are counted.
    public var findingsPerKind = 1_000

    public init() {}
}
