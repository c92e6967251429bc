import GRDB
import PipelineEngine

/// An event of a damaged log with what it refers to, as far as that can be read.
struct SalvagedRow {
    var id: Int64
    var session: Int64
    var sequence: Int64
    var time: Int64
    var code: EventCode
    var batch: Int64
    var place: Int64
    var arrival: Int64
    /// The old sequence of the event that it is about; 0 for none.
    var subject: Int64 = 0
    var frame: SalvagedFrames.Salvaged?
    var processor: String?
    var detail: String?
    /// What of it is lost.
    var losses: [Loss] = []

    enum Loss: Hashable { case subject, frame, frameDamaged, note, time }

    static let columns = "id, session, seq, time, code, batch, place, arrival, subject, frame"

    /// The events that a row stands for, those of which it can be told what they are; none if it is no row of events.
    static func events(
        _ row: StoredRow, _ frames: SalvagedFrames, _ patterns: PatternReader, _ db: Database
    ) -> [SalvagedRow] {
        guard var log = LogRow(salvaging: row), log.code.kind != nil, log.code.isWhole,
            SessionEvent.times.contains(log.time), log.sequence > 0, log.sequence < .max - 2 * EventCode.maxFurther
        else { return [] }
        log = log.limited(toFurther: reach(of: log, db))
        try? log.complete(patterns, db)
        return (0...log.code.further).compactMap { index in
            log.member(index).map { SalvagedRow($0, index, of: log, frames, patterns, db) }
        }
    }

    /// How many further events the row really has: ids that the next row begins with are not its own.
    private static func reach(of row: LogRow, _ db: Database) -> Int64 {
        guard row.code.further > 0 else { return 0 }
        let next = try? db.firstRow("SELECT id FROM event WHERE id > ? ORDER BY id LIMIT 1", [row.id]) {
            try $0.integer(0)
        }
        guard let next = next ?? nil else { return row.code.further }
        return next &- row.id &- 1
    }

    private init(
        _ member: LogRow.Member, _ index: Int64, of row: LogRow, _ frames: SalvagedFrames, _ patterns: PatternReader,
        _ db: Database
    ) {
        id = member.id
        session = row.session
        sequence = member.sequence
        let isTimeKnown = member.hasTime && SessionEvent.times.contains(member.time)
        time = isTimeKnown ? member.time : row.time
        if !isTimeKnown { losses.append(.time) }
        code = member.code
        batch = max(0, member.batch ?? 0)
        place = Self.small(member.place)
        arrival = Self.small(member.arrival)
        if let subject = member.subject {
            let known = (try? LogRow.holding(subject, known: row, patterns, db)) ?? nil
            if let known, known.session == session, known.sequence(of: subject) < sequence {
                self.subject = known.sequence(of: subject)
            } else {
                losses.append(.subject)
            }
        }
        if let place = member.frame {
            frame = frames.frame(place, db)
            if frame == nil { losses.append(.frame) }
            if frame?.isWhole == false { losses.append(.frameDamaged) }
        }
        if index > 0 { return }
        do {
            let note = try db.firstRow("SELECT processor, detail FROM note WHERE event = ?", [id]) {
                (try $0.optionalText(0), try $0.optionalText(1))
            }
            if let note { (processor, detail) = note }
            hasNote = note != nil
        } catch {
            losses.append(.note)
        }
    }

    private var hasNote = false

    /// An index that fits its column.
    private static func small(_ index: Int64?) -> Int64 {
        guard let index, 0...Int64(Int32.max) ~= index else { return -1 }
        return index
    }

    func add(to hash: inout EventsHash) {
        hash.add(
            sequence: sequence, time: time, code: code.rawValue, batch: batch, place: place, arrival: arrival,
            subject: subject, frame: frame?.mark ?? 0)
        if hasNote { hash.addNote(processor: processor, detail: detail) }
    }

    /// The event as the new history takes it.
    func event(sequence: Int64, subject: Int64) -> SessionEvent {
        let kind = code.kind ?? .anomaly
        let isOutput = kind == .output || kind == .late
        return SessionEvent(
            sequence: sequence, time: time, kind: kind, stage: code.stage, batch: batch, branch: code.branch,
            direction: code.direction, emission: isOutput ? Int(place) : -1, arrival: Int(arrival),
            position: isOutput ? -1 : Int(place), subject: subject, frame: frame?.frame, detail: detail,
            processor: processor, outcome: code.outcome)
    }
}

extension LogRow {
    /// From a row of a damaged log, as far as it can be read; nil if that is not far enough.
    fileprivate init?(salvaging row: StoredRow) {
        guard let id = try? row.integer(0), let session = try? row.integer(1), let sequence = try? row.integer(2),
            let time = try? row.integer(3), let code = try? row.integer(4)
        else { return nil }
        self.init(id: id, session: session, sequence: sequence, time: time, code: EventCode(rawValue: code))
        batch = try? row.optionalInteger(5)
        place = try? row.optionalInteger(6)
        arrival = try? row.optionalInteger(7)
        subject = try? row.optionalInteger(8)
        frame = try? row.optionalInteger(9)
    }
}
