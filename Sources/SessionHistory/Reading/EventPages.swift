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
public struct EventPages: @unchecked Sendable {  // `frames` is used by the task that has it, alone
    private static let maxEvents = 1024
    private static let maxBytes = 4 << 20

    private let reader: ReadConnection
    private let session: Int64
    private let stage: Int?
    private let batches: ClosedRange<Int64>?
    private let frames: FrameReader
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
        SELECT e.id, e.seq, e.time, e.code, e.batch, e.place, e.arrival, e.subject, e.frame, n.processor, n.detail,
            \(LogRow.columns)
        FROM extent AS x
            CROSS JOIN event AS e
            LEFT JOIN event AS s ON s.id = e.subject
            LEFT JOIN note AS n ON n.event = e.id
        WHERE x.session = ?1 AND x.last_event > ?2 AND x.max_batch >= ?4 AND x.min_batch <= ?5
            AND e.id BETWEEN max(x.first_event, ?2 + 1 - \(EventCode.maxFurther)) AND x.last_event
            AND e.id + \(EventCode.further(inSQL: "e.code")) > ?2 AND +e.session = x.session
            AND (?3 IS NULL OR (e.code >> 10) & 1023 = ?3)
        """
    private static let allBatches = columns + " ORDER BY x.first_event, e.id LIMIT \(maxEvents)"
    private static let someBatches =
        columns + " AND e.batch BETWEEN ?4 AND ?5 ORDER BY x.first_event, e.id LIMIT \(maxEvents)"

    private func page(after last: Int64, _ db: Database) throws -> (events: [SessionEvent], last: Int64) {
        var events: [SessionEvent] = []
        var last = last
        frames.bytesRead = 0
        let arguments: StatementArguments = [
            session, last, stage.map { $0 + 1 }, batches?.lowerBound ?? .min, batches?.upperBound ?? .max,
        ]
        try db.forEachRow(batches == nil ? Self.allBatches : Self.someBatches, arguments) { row in
            let (first, code) = (try row.integer(0), EventCode(rawValue: try row.integer(3)))
            var subject = try LogRow(row, at: 11)
            for index in 0...code.further where first &+ index > last {
                last = first &+ index
                events.append(try event(row, index, code.member(index), &subject, db))
                if frames.bytesRead >= Self.maxBytes || events.count >= Self.maxEvents { return false }
            }
            return true
        }
        return (events, last)
    }

    /// One event of a row.
    ///
    /// - Parameter subject: the row of what the one before was about, and then of what this one is about.
    private func event(
        _ row: StoredRow, _ index: Int64, _ code: EventCode, _ subject: inout LogRow?, _ db: Database
    ) throws -> SessionEvent {
        guard let kind = code.kind else { throw WrongValue(column: "code", expected: "the code of an event") }
        let time = try row.integer(2)
        guard SessionEvent.times.contains(time) else {
            throw WrongValue(column: "time", expected: "the time of an event")
        }
        let about = try row.optionalInteger(7).map { $0 &+ index }
        if let about { subject = try LogRow.holding(about, known: subject, db) }
        let place = try row.optionalInt(5).map { $0 &+ Int(index) } ?? -1
        let frame = try row.optionalInteger(8).map { $0 &+ index } ?? about.flatMap { subject?.frame(of: $0) }
        let isOutput = kind == .output || kind == .late
        return SessionEvent(
            sequence: try row.integer(1) &+ index, time: time, kind: kind, stage: code.stage,
            batch: try row.optionalInteger(4) ?? 0, branch: code.branch, direction: code.direction,
            emission: isOutput ? place : -1, arrival: try row.optionalInt(6).map { $0 &+ Int(index) } ?? -1,
            position: isOutput ? -1 : place, subject: about.flatMap { subject?.sequence(of: $0) } ?? 0,
            frame: try frame.flatMap { try frames.frame($0, db) }, detail: index == 0 ? try row.optionalText(10) : nil,
            processor: index == 0 ? try row.optionalText(9) : nil, outcome: code.outcome)
    }
}
