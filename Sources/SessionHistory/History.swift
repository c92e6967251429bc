public import PipelineEngine

/// The SQLite history of sessions in one file.
///
/// Opened for reading it never creates or changes a file. All histories of a process that are opened for writing on one
/// file share one writing connection and its thread. Every method may be called from any thread and blocks until it is
/// done; all throw `HistoryError`.
public final class History: Sendable {
    public enum Purpose: Sendable {
        case reading
        /// Creates the file if there is none, applies migrations, marks sessions whose process died as interrupted.
        case writing
    }

    /// Absolute.
    public let path: String
    public let purpose: Purpose

    private init(path: String, purpose: Purpose) {
        self.path = path
        self.purpose = purpose
    }

    /// Opens the history in `path`, taken as a path whatever it looks like (never as a URI).
    public static func open(at path: String, for purpose: Purpose = .reading) throws -> History { fatalError() }

    // MARK: Listing

    /// All sessions, oldest first. Reads stored counts; never scans events.
    public func sessions() throws -> [SessionSummary] { fatalError() }

    /// The session that `reference` names: a number, a unique beginning of a uuid, a name (the newest of that name) or
    /// `last`.
    public func session(_ reference: String) throws -> SessionSummary { fatalError() }

    /// Its stages and branches.
    public func definition(of session: Int64) throws -> SessionDefinition { fatalError() }

    // MARK: Events

    /// How much of the frames an event reader decodes.
    public enum Content: Sendable {
        /// Frames have id, name, type and pts, and neither text nor fields nor payload: enough to compare orders.
        case order
        /// Whole frames.
        case full
    }

    /// The events of a session in the order of their sequence, a page at a time.
    ///
    /// - Parameters:
    ///   - stage: only events of this stage.
    ///   - batches: only events of these batches.
    public func events(
        of session: Int64, content: Content = .full, stage: Int? = nil, batches: ClosedRange<Int64>? = nil
    ) throws -> EventPages { fatalError() }

    /// Calls `body` with each event in the order of its sequence, in bounded memory. Frames are `GenericFrame`s.
    ///
    /// Return false to stop.
    public func forEachEvent(
        of session: Int64, content: Content = .full, stage: Int? = nil, batches: ClosedRange<Int64>? = nil,
        _ body: (SessionEvent) throws -> Bool
    ) throws {
        var pages = try events(of: session, content: content, stage: stage, batches: batches)
        while let page = try pages.next() {
            for event in page where try !body(event) { return }
        }
    }

    // MARK: Views

    /// The batches in the order of stage and number.
    public func forEachBatch(
        of session: Int64, stage: Int? = nil, batches: ClosedRange<Int64>? = nil,
        _ body: (BatchSummary) throws -> Bool
    ) throws { fatalError() }

    /// The part of each branch in these batches, in the order of stage, batch and branch.
    public func barriers(of session: Int64, stage: Int? = nil, batches: ClosedRange<Int64>? = nil) throws
        -> [BranchBarrier]
    { fatalError() }

    /// How each branch did over the whole session.
    public func branches(of session: Int64) throws -> [BranchSummary] { fatalError() }

    /// The release order that SQL gives, in the order of stage, batch, direction (upstream first) and position.
    public func forEachRelease(
        of session: Int64, order: RecordedOrder, stage: Int? = nil, batches: ClosedRange<Int64>? = nil,
        _ body: (ReleasedFrame) throws -> Bool
    ) throws { fatalError() }

    /// What no healthy session shows: derived from its events, and stored with `add(findings:to:)`.
    public func findings(of session: Int64) throws -> [Finding] { fatalError() }

    public func replays(of session: Int64) throws -> [ReplaySummary] { fatalError() }

    // MARK: Changing (opened for writing)

    /// Opens a new session for recording or import.
    ///
    /// - Returns: nil if the history already has a whole session of this uuid: importing twice changes nothing.
    public func begin(_ start: SessionStart, source: any EventSource) throws -> SessionLog? { fatalError() }

    public func add(findings: [Finding], to session: Int64) throws { fatalError() }

    /// Stores a rerun: its rows are given in the order of the release.
    public func beginReplay(of session: Int64, order: RecordedOrder) throws -> ReplayLog { fatalError() }

    /// Deletes sessions; the file shrinks.
    public func delete(_ sessions: [Int64]) throws -> Removal { fatalError() }

    /// Deletes the oldest sessions that `rule` does not keep; the file shrinks. Sessions being recorded stay.
    public func prune(_ rule: PruneRule, dryRun: Bool = false) throws -> Removal { fatalError() }
}

/// Which sessions a prune keeps.
public enum PruneRule: Sendable, Hashable {
    /// Those that started no longer ago than this.
    case olderThan(seconds: Double)
    /// The newest `count`.
    case keep(count: Int)
    /// The newest that together take no more than this.
    case maxSize(bytes: Int64)
}

/// What a delete or prune removed, or would remove.
public struct Removal: Sendable {
    public var sessions: [SessionSummary]
    /// Size of the file in bytes before, and after (nil for a dry run).
    public var sizeBefore: Int64
    public var sizeAfter: Int64?
}

/// A session's events, read page by page: no read transaction is held between pages, so that neither a long reader nor a
/// slow consumer keeps the writer's log from being reset.
public struct EventPages: Sendable {
    /// The next events, in order; nil at the end.
    ///
    /// A page has at most 1,024 events, fewer where frames are large (at most about 4 MiB of content).
    public mutating func next() throws -> [SessionEvent]? { fatalError() }
}
