public import PipelineEngine

/// One line of a session as a file that any history can take in (docs/FORMATS.md): first the head, then every event in the
/// order of its sequence, then findings, then the end.
public enum SessionLine: Sendable {
    case head(SessionLineHead)
    case event(SessionEvent)
    case finding(SessionLineFinding)
    case end(SessionLineEnd)
}

/// What is known of a session before its events.
public struct SessionLineHead: Sendable, Hashable {
    public var uuid: String
    public var name: String?
    /// Where it was recorded from: a pipeline file, the address of a bot.
    public var source: String?
    /// ISO 8601, UTC.
    public var startedAt: String
    /// What was kept of the frames' content; nil for everything.
    public var payload: String?
    public var definition: SessionDefinition

    public init(
        uuid: String, name: String? = nil, source: String? = nil, startedAt: String, payload: String? = nil,
        definition: SessionDefinition
    ) {
        self.uuid = uuid
        self.name = name
        self.source = source
        self.startedAt = startedAt
        self.payload = payload
        self.definition = definition
    }
}

/// Something found in a session that its events alone do not show.
public struct SessionLineFinding: Sendable, Hashable {
    public var sequence: Int64?
    public var stage: Int?
    public var batch: Int64?
    public var branch: Int?
    public var kind: String
    public var severity: String
    public var detail: String

    public init(
        sequence: Int64? = nil, stage: Int? = nil, batch: Int64? = nil, branch: Int? = nil, kind: String,
        severity: String, detail: String
    ) {
        self.sequence = sequence
        self.stage = stage
        self.batch = batch
        self.branch = branch
        self.kind = kind
        self.severity = severity
        self.detail = detail
    }
}

/// How a session ended.
public struct SessionLineEnd: Sendable, Hashable {
    /// `complete`, `failed`, `interrupted`, or `recording` for one that still ran when it was exported.
    public var state: String
    /// ISO 8601, UTC; nil if it had not ended.
    public var endedAt: String?
    /// The number of events in the file.
    public var events: Int64

    public init(state: String, endedAt: String?, events: Int64) {
        self.state = state
        self.endedAt = endedAt
        self.events = events
    }
}

extension SessionEvent.Kind {
    /// The name in files and views.
    var word: String { String(describing: self) }

    static let byWord = Dictionary(uniqueKeysWithValues: allCases.map { ($0.word, $0) })
}
