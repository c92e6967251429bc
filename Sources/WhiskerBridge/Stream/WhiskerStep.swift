public import PipelineEngine

/// What a recorder is told about a bot, in this order for each session: `started`, then any number of `definition`,
/// `event` and `finding`, then `ended`.
public enum WhiskerStep: Sendable {
    /// A session began: Whisker's snapshot is there. The definition's frame orders are nil unless they are known
    /// already.
    case started(WhiskerSource, SessionDefinition)
    /// The definition as it is now known. Stages are only ever added at the end; at the session's end it comes once
    /// more with the frame orders that could be inferred.
    case definition(SessionDefinition)
    /// The next event. `sequence` counts from 1 without gaps. Unlike in a session of this engine's, `time` may be
    /// earlier than that of the event before, and the `subject` of a `release` may lie in an earlier batch: such a
    /// release carries its frame.
    case event(SessionEvent)
    /// A defect, told as soon as it is certain. An event of the kind `late` is one, too: its detail says so.
    case finding(Finding)
    /// The session is over; the next step, if any, starts another.
    case ended(WhiskerSummary)
}

/// Who a recording is from.
public struct WhiskerSource: Sendable, Hashable {
    /// Versions as Whisker names them; nil where it does not.
    public var pipecat: String?
    public var whisker: String?
    public var python: String?
    public var platform: String?
    /// When the session's time begins, in seconds since 1970.
    public var startedAt: Double

    public init(
        pipecat: String? = nil, whisker: String? = nil, python: String? = nil, platform: String? = nil,
        startedAt: Double = 0
    ) {
        self.pipecat = pipecat
        self.whisker = whisker
        self.python = python
        self.platform = platform
        self.startedAt = startedAt
    }
}

/// How a session ended, and how much of it there is.
public struct WhiskerSummary: Sendable, Hashable {
    public enum Ending: Sendable, Hashable {
        /// The file ended, or the server closed the connection as it should.
        case complete
        /// The caller had enough: its time was up, or it was cancelled.
        case stopped
        /// The connection broke: the bot was killed, or the network failed.
        case lost(WhiskerError)
        /// What came was no Whisker recording, or damaged; everything before it is there.
        case damaged(WhiskerError)
    }

    public var ending: Ending
    /// How long the recording is, in ns: the time of its last record.
    public var duration: Int64 = 0
    public var records: Int64 = 0
    public var events: Int64 = 0
    public var batches: Int64 = 0
    /// Batches whose inbound frame is not in the recording: left out of every comparison.
    public var batchesWithoutHead: Int64 = 0
    /// Batches still open at the end.
    public var openBatches: Int64 = 0
    public var findings: Int64 = 0
    /// Records that Whisker numbered and that did not come.
    public var missingRecords: Int64 = 0
    /// When the recording's beginning is missing, snapshot and all: how many bytes come before the first whole record;
    /// its stages are then worked out from the records. nil for a recording that begins as it should.
    public var missingBytes: Int64?
    /// The stages whose frame order neither was given nor could be inferred.
    public var stagesWithoutOrder: [Int] = []

    public init(ending: Ending) { self.ending = ending }

    /// Sentences on what is missing, empty when nothing is known to be: a command that prints any exits with 3.
    public var losses: [String] {
        var losses: [String] = []
        if case .damaged(let error) = ending { losses.append(error.message) }
        if case .lost(let error) = ending { losses.append(error.message) }
        if let missingBytes { losses.append(RecordingGap.headMissing(bytes: missingBytes).finding.detail) }
        if missingRecords > 0 {
            losses.append(
                "\(missingRecords) of Whisker's records are missing in the middle; batches around them are incomplete")
        }
        return losses
    }
}
