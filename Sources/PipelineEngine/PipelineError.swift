/// What is wrong with a pipeline or with the use of one, and how to put it right.
public struct PipelineError: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable {
        case noBranch
        case processorUsedTwice
        case unknownFrameOrder
        case setupFailed
        case notRunning
    }

    public let code: Code
    /// What went wrong and what to do about it.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
