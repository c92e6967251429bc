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

    enum Loss: Hashable { case subject, frame, frameDamaged, note }

    static let columns = "id, session, seq, time, code, batch, place, arrival, subject, frame"

    /// The events that a row stands for; none if it is no row of events.
    static func events(_ row: StoredRow, _ frames: SalvagedFrames, _ db: Database) -> [SalvagedRow] {
        guard let stored = (try? row.integer(4)).map(EventCode.init(rawValue:)), stored.kind != nil, stored.isWhole
        else { return [] }
        let code = stored.run(further: reach(of: row, stored, db))
        return (0...code.further).compactMap { SalvagedRow(row, $0, code.member($0), frames, db) }
    }

    /// How many further events the row really has: ids that the next row begins with are not its own.
    private static func reach(of row: StoredRow, _ code: EventCode, _ db: Database) -> Int64 {
        guard code.further > 0, let id = try? row.integer(0) else { return 0 }
        let next = try? db.firstRow("SELECT id FROM event WHERE id > ? ORDER BY id LIMIT 1", [id]) { try $0.integer(0) }
        guard let next = next ?? nil else { return code.further }
        return min(code.further, next &- id &- 1)
    }

    private init?(
        _ row: StoredRow, _ index: Int64, _ code: EventCode, _ frames: SalvagedFrames, _ db: Database
    ) {
        guard let id = try? row.integer(0), let session = try? row.integer(1), let sequence = try? row.integer(2),
            let time = try? row.integer(3), SessionEvent.times.contains(time), sequence > 0,
            sequence < .max - 2 * EventCode.maxFurther
        else { return nil }
        self.id = id &+ index
        self.session = session
        self.sequence = sequence + index
        self.time = time
        self.code = code
        batch = max(0, (try? row.optionalInteger(5)) ?? 0)
        place = Self.small(try? row.optionalInteger(6), index)
        arrival = Self.small(try? row.optionalInteger(7), index)
        if let subject = (try? row.optionalInteger(8)).map({ $0 &+ index }) {
            let known = (try? LogRow.holding(subject, db)) ?? nil
            if let known, known.session == session, known.sequence(of: subject) < self.sequence {
                self.subject = known.sequence(of: subject)
            } else {
                losses.append(.subject)
            }
        }
        if let place = (try? row.optionalInteger(9)).map({ $0 &+ index }) {
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
    private static func small(_ first: Int64??, _ index: Int64) -> Int64 {
        guard let first = first ?? nil, first >= 0, first <= Int64(Int32.max) - index else { return -1 }
        return first + index
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
