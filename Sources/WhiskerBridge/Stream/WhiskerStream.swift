public import PipelineEngine

/// Turns the bytes that Whisker writes, to a file or a socket, into the steps of sessions.
///
///     var stream = WhiskerStream()
///     while let bytes = try next() { for step in stream.read(bytes) { try take(step) } }
///     for step in stream.end(.complete) { try take(step) }
///
/// Bytes may come in pieces of any size. Nothing that they hold makes it fail: damage ends the session with
/// `.ended(.damaged)`, and what comes afterwards is not looked at.
public struct WhiskerStream: Sendable {
    /// - Parameter order: the frame order of every stage, if it is known; otherwise it is inferred from the releases.
    public init(order: FrameOrder? = nil, limits: WhiskerLimits = WhiskerLimits()) {}

    /// Whether damage has ended the stream.
    public var isDamaged: Bool { false }

    /// The steps that end with these bytes.
    public mutating func read(_ bytes: [UInt8]) -> [WhiskerStep] { [] }

    /// Ends the session that is open, if one is. A record that has begun makes the ending `.damaged`.
    ///
    /// - Parameter time: when the recording stopped, in seconds since 1970, for a live one: what a branch has not given
    ///   back by then is missing. nil takes the time of the last record.
    public mutating func end(_ ending: WhiskerSummary.Ending, at time: Double? = nil) -> [WhiskerStep] { [] }
}
