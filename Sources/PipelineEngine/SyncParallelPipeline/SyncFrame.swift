/// The mark that a stage sends behind each synchronized frame into every branch; a branch that gives it back has put out
/// all that the frame caused (C6).
///
/// The runtime carries it past the processors, which never see it. One that a program pushes itself is dropped and
/// recorded as an anomaly.
public struct SyncFrame: Frame {
    public static let frameType = FrameType.catalogue["SyncFrame"]!
    public var header = FrameHeader()
    /// The stage that sent it, -1 for none.
    public let stage: Int
    /// The batch that it closes, 0 for none.
    public let batch: Int64

    /// A SyncFrame of no batch, as a program could make one.
    public init() {
        stage = -1
        batch = 0
    }

    public var fields: FrameFields { [:] }
}
