/// What a check of a history came to.
public struct Verification: Sendable {
    /// One thing that is not as it was written.
    public struct Problem: Sendable, Hashable {
        public enum Kind: String, Sendable, CaseIterable {
            /// SQLite's own structures, or rows that its constraints forbid.
            case structure
            /// Something that is referred to is not there.
            case reference
            /// Events are missing, or not in their order.
            case sequence
            /// A frame's content is not what was hashed when it was written.
            case frame
            /// A session's events are not those that were hashed, or not as many.
            case events
            /// What is said of a session besides its events was changed.
            case seal
            /// Rows that belong to nothing.
            case stray
            /// It cannot be read.
            case unreadable
        }

        public var kind: Kind
        /// nil where no single session, or event, is concerned.
        public var session: Int64?
        public var sequence: Int64?
        /// One sentence.
        public var detail: String

        public init(kind: Kind, session: Int64? = nil, sequence: Int64? = nil, detail: String) {
            self.kind = kind
            self.session = session
            self.sequence = sequence
            self.detail = detail
        }
    }

    /// How much was looked at.
    public internal(set) var sessions = 0
    public internal(set) var events: Int64 = 0
    public internal(set) var frames: Int64 = 0
    /// The first thousand of them.
    public private(set) var problems: [Problem] = []
    public private(set) var problemCount = 0
    /// What is no damage, but should be known.
    public internal(set) var remarks: [String] = []

    public var isWhole: Bool { problemCount == 0 }

    mutating func add(_ kind: Problem.Kind, session: Int64? = nil, sequence: Int64? = nil, _ detail: String) {
        problemCount += 1
        guard problems.count < 1000 else { return }
        problems.append(
            Problem(kind: kind, session: session, sequence: sequence, detail: detail.storable(maxBytes: 1000)))
    }
}
