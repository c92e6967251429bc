/// How far a session's recording got.
public enum SessionState: String, Sendable, CaseIterable {
    case recording, complete, failed
    /// The recording process died; found at the next opening.
    case interrupted
}

/// One session as the view `sessions` lists it.
public struct SessionSummary: Sendable, Hashable {
    /// Its number in this history; another history numbers it differently, the uuid stays.
    public var session: Int64
    /// Lower-case, 36 characters.
    public var uuid: String
    public var name: String?
    /// Where it came from: a pipeline file, `ws://…`, an imported file's name.
    public var source: String?
    public var state: SessionState
    /// ISO 8601, UTC, ms.
    public var startedAt: String
    /// nil while it is recorded.
    public var endedAt: String?
    public var durationMs: Double?
    public var stages: Int
    /// Counts of events; of a session that is being recorded they lag up to a second behind.
    public var inbound: Int64
    /// `late` outputs included.
    public var outputs: Int64
    public var released: Int64
    public var duplicates: Int64
    public var bypasses: Int64
    public var findings: Int64
    /// What is kept of the frames' content.
    public var payload: PayloadMode

    public init(
        session: Int64, uuid: String, name: String?, source: String?, state: SessionState, startedAt: String,
        endedAt: String?, durationMs: Double?, stages: Int, inbound: Int64, outputs: Int64, released: Int64,
        duplicates: Int64, bypasses: Int64, findings: Int64, payload: PayloadMode = .full
    ) {
        self.session = session
        self.uuid = uuid
        self.name = name
        self.source = source
        self.state = state
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.durationMs = durationMs
        self.stages = stages
        self.inbound = inbound
        self.outputs = outputs
        self.released = released
        self.duplicates = duplicates
        self.bypasses = bypasses
        self.findings = findings
        self.payload = payload
    }
}
