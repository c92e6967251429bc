/// What a recovery brought into the new history, and what it could not.
public struct RecoveryReport: Sendable {
    /// One session of the new history.
    public struct Session: Sendable, Hashable {
        /// As in the old one.
        public var session: Int64
        public var uuid: String
        public var name: String?
        public var events: Int64
        /// What is missing or may be wrong, one sentence each.
        public var losses: [String]
    }

    public internal(set) var sessions: [Session] = []
    /// What is missing or may be wrong besides.
    public internal(set) var losses: [String] = []
    /// What was put right without loss.
    public internal(set) var remarks: [String] = []

    public var events: Int64 { sessions.reduce(0) { $0 + $1.events } }

    /// Whether everything that was in the old history is in the new one, as it was written.
    public var isWhole: Bool { losses.isEmpty && sessions.allSatisfy(\.losses.isEmpty) }
}
