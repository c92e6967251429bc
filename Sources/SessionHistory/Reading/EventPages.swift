import GRDB
public import PipelineEngine

extension History {
    /// How much of the frames an event reader decodes.
    public enum Content: Sendable {
        /// Frames have id, name, type and pts, and neither text nor fields nor payload: enough to compare orders.
        case order
        /// Whole frames.
        case full
    }

    /// The events of a session in the order of their sequence, a page at a time.
    ///
    /// Frames are `GenericFrame`s. Events about another one (`subject`) carry that one's frame, if they have none of their
    /// own.
    ///
    /// - Parameters:
    ///   - stage: only events of this stage.
    ///   - batches: only events of these batches.
    public func events(
        of session: Int64, content: Content = .full, stage: Int? = nil, batches: ClosedRange<Int64>? = nil
    ) throws -> EventPages {
        let known = try reader.read { db in
            try db.firstRow("SELECT 1 FROM session WHERE session = ?", [session]) { try $0.integer(0) }
        }
        guard known != nil else { throw HistoryError(.notFound, "there is no session \(session) in \(path)") }
        return EventPages(
            reader: reader, session: session, stage: stage, batches: batches, frames: FrameReader(content))
    }

    /// Calls `body` with each event in the order of its sequence, in bounded memory, until it returns false.
    ///
    /// The parameters are those of `events(of:content:stage:batches:)`.
    public func forEachEvent(
        of session: Int64, content: Content = .full, stage: Int? = nil, batches: ClosedRange<Int64>? = nil,
        _ body: (SessionEvent) throws -> Bool
    ) throws {
        var pages = try events(of: session, content: content, stage: stage, batches: batches)
        while let page = try pages.next() {
            for event in page where try !body(event) { return }
        }
    }
}

/// A session's events, read page by page: no read transaction is held between pages, so that neither a long reader nor a
/// slow consumer keeps the write-ahead log from starting anew.
///
/// To be used by one task at a time.
public struct EventPages: @unchecked Sendable {  // `frames` and `patterns` are used by the task that has it, alone
    private static let maxEvents = 1024
    private static let maxBytes = 4 << 20

    private let reader: ReadConnection
    private let session: Int64
    private let stage: Int?
    private let batches: ClosedRange<Int64>?
    private let frames: FrameReader
    private let patterns = PatternReader()
    /// The id of the last event read.
    private var last: Int64 = 0

    fileprivate init(
        reader: ReadConnection, session: Int64, stage: Int?, batches: ClosedRange<Int64>?, frames: FrameReader
    ) {
        self.reader = reader
        self.session = session
        self.stage = stage
        self.batches = batches
        self.frames = frames
    }

    /// The next events, in order; nil at the end, which of a session that is being recorded is what is there now: called
    /// again, it goes on with what came since.
    ///
    /// A page has at most 1,024 events, fewer where frames are large (then about 4 MiB of content).
    public mutating func next() throws -> [SessionEvent]? {
        let reading = self
        let page = try reader.read { db in try reading.page(after: reading.last, db) }
        last = page.last
        return page.events.isEmpty ? nil : page.events
    }

    private static let columns = """
        SELECT \(LogRow.columns("e")), n.processor, n.detail, \(LogRow.columns("s"))
        FROM extent AS x
            CROSS JOIN event AS e
            LEFT JOIN event AS s ON s.id = iif(\(EventCode.isPatterned(inSQL: "e.code")), NULL, e.subject)
            LEFT JOIN note AS n ON n.event = e.id
        WHERE x.session = ?1 AND x.last_event > ?2 AND x.max_batch >= ?4 AND x.min_batch <= ?5
            AND e.id BETWEEN max(x.first_event, ?2 + 1 - \(EventCode.maxFurther)) AND x.last_event
            AND e.id + \(EventCode.further(inSQL: "e.code")) > ?2 AND +e.session = x.session
            AND (?3 IS NULL OR (e.code >> 10) & 1023 = ?3)
        """
    private static let allBatches = columns + " ORDER BY x.first_event, e.id LIMIT \(maxEvents)"
    private static let someBatches =
        columns + " AND e.batch <= ?5 AND e.batch + \(EventCode.furtherBatches(inSQL: "e")) >= ?4"
        + " ORDER BY x.first_event, e.id LIMIT \(maxEvents)"

    private func page(after last: Int64, _ db: Database) throws -> (events: [SessionEvent], last: Int64) {
        var events: [SessionEvent] = []
        var last = last
        frames.bytesRead = 0
        let arguments: StatementArguments = [
            session, last, stage.map { $0 + 1 }, batches?.lowerBound ?? .min, batches?.upperBound ?? .max,
        ]
        try db.forEachRow(batches == nil ? Self.allBatches : Self.someBatches, arguments) { columns in
            guard var row = try LogRow(columns) else { return true }
            try row.complete(patterns, db)
            var subject = try LogRow(columns, at: LogRow.columnCount + 2)
            if row.code.isPatterned { subject = row } else { try subject?.complete(patterns, db, withTimes: false) }
            let (processor, detail) = (
                try columns.optionalText(LogRow.columnCount), try columns.optionalText(LogRow.columnCount + 1)
            )
            for index in 0...row.code.further where row.id &+ index > last {
                guard let member = row.member(index), row.pattern != nil || !row.code.isPatterned else {
                    throw WrongValue(column: "place", expected: "the number of a pattern")
                }
                last = member.id
                if let batches, row.code.isPatterned, !batches.contains(member.batch ?? 0) { continue }
                var event = try event(member, &subject, db)
                if index == 0 { (event.processor, event.detail) = (processor, detail) }
                events.append(event)
                if frames.bytesRead >= Self.maxBytes || events.count >= Self.maxEvents { return false }
            }
            return true
        }
        return (events, last)
    }

    /// - Parameter subject: the row of what the event before was about, and then of what this one is about.
    private func event(_ member: LogRow.Member, _ subject: inout LogRow?, _ db: Database) throws -> SessionEvent {
        guard let kind = member.code.kind else { throw WrongValue(column: "code", expected: "the code of an event") }
        guard member.hasTime, SessionEvent.times.contains(member.time) else {
            throw WrongValue(column: "time", expected: "the time of an event")
        }
        if let about = member.subject { subject = try LogRow.holding(about, known: subject, patterns, db) }
        let place = try member.place.map { try Self.int($0, "place") } ?? -1
        let frame = member.frame ?? member.subject.flatMap { subject?.frame(of: $0) }
        let isOutput = kind == .output || kind == .late
        return SessionEvent(
            sequence: member.sequence, time: member.time, kind: kind, stage: member.code.stage,
            batch: member.batch ?? 0, branch: member.code.branch, direction: member.code.direction,
            emission: isOutput ? place : -1, arrival: try member.arrival.map { try Self.int($0, "arrival") } ?? -1,
            position: isOutput ? -1 : place, subject: member.subject.flatMap { subject?.sequence(of: $0) } ?? 0,
            frame: try frame.flatMap { try frames.frame($0, db) }, outcome: member.code.outcome)
    }

    private static func int(_ value: Int64, _ column: String) throws -> Int {
        guard let value = Int(exactly: value) else { throw WrongValue(column: column, expected: "a smaller integer") }
        return value
    }
}
