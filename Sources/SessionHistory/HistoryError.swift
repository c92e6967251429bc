/// What is wrong with a history or with a request to it, and how to put it right.
public struct HistoryError: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable {
        /// There is no file, folder or session of that name.
        case notFound
        /// More than one session answers to that reference.
        case ambiguous
        /// The file is none of ours: another program's, empty, or changed by another hand.
        case foreign
        /// A newer lockstep wrote the file.
        case newer
        /// The file or the folder may not be read or written.
        case noPermission
        /// Somebody else holds the file longer than we wait.
        case busy
        /// The disk is full, or the file may not grow.
        case full
        /// A value in the file is not what its column holds, or the file is damaged.
        case damaged
        /// An event cannot be what it claims to be: a gap in the sequence, a subject that is not there.
        case invalidEvent
        /// The session or the history is closed.
        case closed
        /// SQLite or the system reports something else.
        case storage
    }

    public let code: Code
    /// What went wrong, in which file, and what to do about it.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
