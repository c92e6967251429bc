/// What is missing of a frame whose content a history did not keep whole.
public struct ContentOmission: Sendable, Hashable {
    /// Why it is missing. The raw values are part of the history's format.
    public enum Reason: String, Sendable, CaseIterable {
        /// It is larger, or nested deeper, than the history keeps.
        case truncated
        /// The session was recorded without it.
        case withheld
        /// It was taken out later.
        case redacted
        /// The history was damaged: what is there may be wrong.
        case damaged
    }

    public var reason: Reason
    /// The size of the text as UTF-8, nil if the frame had none or that is not told.
    public var textBytes: Int64?
    /// The name and the size of the payload, nil if the frame had none or that is not told.
    public var payloadName: String?
    public var payloadBytes: Int64?
    /// Equal for frames of equal type, text, payload and fields within one history, and of no use without its key.
    public var digest: Int64?

    public init(
        _ reason: Reason, textBytes: Int64? = nil, payloadName: String? = nil, payloadBytes: Int64? = nil,
        digest: Int64? = nil
    ) {
        self.reason = reason
        self.textBytes = textBytes
        self.payloadName = payloadName
        self.payloadBytes = payloadBytes
        self.digest = digest
    }
}
