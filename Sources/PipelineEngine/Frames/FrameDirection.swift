/// Which way a frame travels: with the stream, or back towards its source.
public enum FrameDirection: String, Sendable, CaseIterable {
    case downstream, upstream
}
