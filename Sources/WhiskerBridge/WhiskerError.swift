import Foundation

/// What is wrong with a recording, a server or the way to it, and what to do about it.
public struct WhiskerError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        /// The bytes are no MessagePack maps, or break one of `WhiskerLimits`.
        case malformed
        /// The bytes end inside a record.
        case cut
        /// MessagePack, but not what Whisker writes: no snapshot first, or a record without what it must have.
        case notWhisker
        /// A protocol version that this program does not know.
        case unknownProtocol
        /// The address is none that can be used.
        case badAddress
        /// Nobody answers there.
        case unreachable
        /// Somebody answers, but not as a WebSocket server that may be trusted: no upgrade, a wrong certificate.
        case refused
        /// The server broke the WebSocket protocol or one of `WhiskerLimits`.
        case protocolViolation
        /// The server fell silent, or went away without saying so.
        case gone
        /// The file cannot be read.
        case unreadable
    }

    public let code: Code
    /// What went wrong, where, and what to do about it.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    /// What went wrong, without what to do about it.
    var problem: Substring { message.range(of: "; ").map { message[..<$0.lowerBound] } ?? message[...] }
}
