/// How large a line of frames may be.
public struct FrameLineLimits: Sendable, Hashable {
    /// In bytes, without the newline. The default holds a frame of 64 MiB as base64, with room to spare.
    public var lineBytes: Int
    /// How deep arrays and objects may nest, the frame's own object included.
    public var depth: Int

    public init(lineBytes: Int = 96 << 20, depth: Int = 128) {
        self.lineBytes = lineBytes
        self.depth = depth
    }
}
