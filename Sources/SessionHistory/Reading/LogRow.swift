import GRDB

/// A row of the log, which stands for one event or several: what each of them is.
struct LogRow {
    /// One event of the row.
    struct Member {
        var id: Int64
        var sequence: Int64
        /// ns; that of the row where the event's own is lost.
        var time: Int64
        var hasTime: Bool
        /// As in a row of its own.
        var code: EventCode
        var batch: Int64?
        var place: Int64?
        var arrival: Int64?
        /// The id of the event that it is about.
        var subject: Int64?
        /// The row of its own frame.
        var frame: Int64?
    }

    // What its columns hold: of its first event, but for `place`, `arrival` and `subject` of batches that went alike, which are the
    // number of their pattern, the events of a batch, and the frames that a batch brings.
    var id: Int64
    var session: Int64
    var sequence: Int64
    var time: Int64
    var code: EventCode
    var batch: Int64?
    var place: Int64?
    var arrival: Int64?
    var subject: Int64?
    var frame: Int64?

    /// What the batches of the row go like; nil where that is lost, and of a run.
    private(set) var pattern: BatchPattern?
    private(set) var times: EventTimes?

    /// What `init(_:at:)` reads, of a row of `event`.
    static func columns(_ row: String) -> String {
        ["id", "session", "seq", "time", "code", "batch", "place", "arrival", "subject", "frame"].map { "\(row).\($0)" }
            .joined(separator: ", ")
    }
    static let columnCount = 10

    /// From columns of a query; nil if there is no such row. What its events are it then says after `complete`.
    init?(_ row: StoredRow, at column: Int = 0) throws {
        guard let id = try row.optionalInteger(column) else { return nil }
        self.id = id
        session = try row.integer(column + 1)
        sequence = try row.integer(column + 2)
        time = try row.integer(column + 3)
        code = EventCode(rawValue: try row.integer(column + 4))
        batch = try row.optionalInteger(column + 5)
        place = try row.optionalInteger(column + 6)
        arrival = try row.optionalInteger(column + 7)
        subject = try row.optionalInteger(column + 8)
        frame = try row.optionalInteger(column + 9)
    }

    /// From a damaged row, of which at least these columns could be read.
    init(id: Int64, session: Int64, sequence: Int64, time: Int64, code: EventCode) {
        (self.id, self.session, self.sequence, self.time, self.code) = (id, session, sequence, time, code)
    }

    /// Reads what the row's events are, where it alone does not say it; what of that is damaged counts as lost.
    mutating func complete(_ patterns: PatternReader, _ db: Database, withTimes: Bool = true) throws {
        guard code.isPatterned || code.isTimed else { return }
        do {
            if code.isPatterned, let place { pattern = try patterns.pattern(place, db) }
            guard code.isTimed, withTimes else { return }
            times =
                try db.firstRow(
                    "SELECT unit, bytes, first_bytes, step_bytes, times FROM event_times WHERE event = ?", [id]
                ) { EventTimes($0) } ?? nil
        } catch {
            // A history of before has no such tables, and its rows can only be damaged.
            if try HistoryFile.version(db) >= 4 { throw error }
        }
    }

    // MARK: - Its events

    /// Whether it says all of its events, and nothing else.
    var isWhole: Bool {
        guard code.isWhole, !code.isPatterned || isPatternWhole else { return false }
        if !code.isTimed { return true }
        guard let times else { return false }
        let steps = pattern?.steps ?? 1
        return Int64(times.steps) == steps && Int64(times.numbers.count) == steps &* repetitions
    }

    private var isPatternWhole: Bool {
        guard let pattern else { return false }
        let count = Int64(pattern.events.count)
        return arrival == count && subject == pattern.frames && (code.further + 1) % count == 0 && frame != nil
    }

    /// How many events each repetition has: 1 in a run.
    private var period: Int64 { code.isPatterned ? max(1, min(EventCode.maxFurther + 1, arrival ?? 1)) : 1 }
    private var repetitions: Int64 { (code.further + 1) / period }

    /// The rows of the frames that came with it, and of those that its events mention.
    var frames: Range<Int64> {
        guard let frame, frame < .max - 2 * EventCode.maxFurther else { return 0..<0 }
        if !code.isPatterned { return frame..<frame + code.further + 1 }
        return frame..<frame + repetitions * max(0, min(period, subject ?? 0))
    }

    /// The event behind so many others of the row, 0 to `code.further`; nil if the pattern does not say what it is, or is lost
    /// and it is not the first of a batch.
    func member(_ index: Int64) -> Member? {
        code.isPatterned ? memberOfBatch(index) : memberOfRun(index)
    }

    // Numbers of a damaged file may be any.

    private func memberOfRun(_ index: Int64) -> Member {
        let own = code.isTimed ? times?.time(time, repetition: index, step: 0) : time
        return Member(
            id: id &+ index, sequence: sequence &+ index, time: own ?? time, hasTime: own != nil,
            code: code.member(index), batch: batch, place: place.map { $0 &+ index },
            arrival: arrival.map { $0 &+ index }, subject: subject.map { $0 &+ index }, frame: frame.map { $0 &+ index }
        )
    }

    private func memberOfBatch(_ index: Int64) -> Member? {
        let (repetition, number) = index.quotientAndRemainder(dividingBy: period)
        let firstFrame = frame.map { $0 &+ repetition &* (subject ?? 0) }
        let id = id &+ index
        func member(_ event: BatchPattern.Event) -> Member {
            let own = code.isTimed ? times?.time(time, repetition: repetition, step: event.step) : time
            return Member(
                id: id, sequence: sequence &+ index, time: own ?? time, hasTime: own != nil, code: event.code,
                batch: batch.map { $0 &+ repetition }, place: event.place < 0 ? nil : event.place,
                arrival: event.arrival < 0 ? nil : event.arrival,
                subject: event.subject == 0 ? nil : id &- event.subject,
                frame: event.frame < 0 ? nil : firstFrame.map { $0 &+ event.frame })
        }
        guard let pattern else {
            // What the row has of the batches itself.
            let first = BatchPattern.Event(
                code: code.alone, place: -1, arrival: -1, subject: 0, frame: 0, step: 0)
            return number == 0 ? member(first) : nil
        }
        return number < pattern.events.count ? member(pattern.events[Int(number)]) : nil
    }

    // MARK: - As what an event is about

    /// The row that holds an event, looked for in `known` first; nil if the event is not there.
    static func holding(
        _ event: Int64, known: LogRow? = nil, _ patterns: PatternReader, _ db: Database
    ) throws -> LogRow? {
        if let known, known.holds(event) { return known }
        let found = try db.firstRow(
            "SELECT \(columns("s")) FROM event AS s WHERE s.id <= ? ORDER BY s.id DESC LIMIT 1", [event]
        ) { try LogRow($0) }
        guard var row = found ?? nil, row.holds(event) else { return nil }
        try row.complete(patterns, db, withTimes: false)
        return row
    }

    private func holds(_ event: Int64) -> Bool { event >= id && event &- id <= code.further }

    func sequence(of event: Int64) -> Int64 { sequence &+ (event &- id) }

    /// The row of the event's own frame.
    func frame(of event: Int64) -> Int64? { member(event &- id)?.frame }

    // MARK: - Damage

    /// This row with no more events than these behind its first.
    func limited(toFurther further: Int64) -> LogRow {
        var row = self
        row.code = code.limited(toFurther: further)
        return row
    }
}
