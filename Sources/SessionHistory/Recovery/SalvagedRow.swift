import GRDB
import PipelineEngine

/// A row of a damaged log with what it refers to, as far as that can be read.
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

    /// Nil for a row that is no event.
    init?(_ row: StoredRow, _ frames: SalvagedFrames, _ db: Database) {
        guard let id = try? row.integer(0), let session = try? row.integer(1), let sequence = try? row.integer(2),
            let time = try? row.integer(3), let code = (try? row.integer(4)).map(EventCode.init(rawValue:)),
            code.kind != nil, code.rawValue >= 0, code.branch <= EventCode.maxBranch, sequence > 0
        else { return nil }
        self.id = id
        self.session = session
        self.sequence = sequence
        self.time = time
        self.code = code
        batch = max(0, (try? row.optionalInteger(5)) ?? 0)
        place = Self.small(try? row.optionalInteger(6))
        arrival = Self.small(try? row.optionalInteger(7))
        if let subject = try? row.optionalInteger(8) {
            let known = try? db.firstRow("SELECT seq, session FROM event WHERE id = ?", [subject]) {
                (sequence: try $0.integer(0), session: try $0.integer(1))
            }
            if let known, known.session == session, known.sequence < sequence {
                self.subject = known.sequence
            } else {
                losses.append(.subject)
            }
        }
        if let place = try? row.optionalInteger(9) {
            frame = frames.frame(place, db)
            if frame == nil { losses.append(.frame) }
            if frame?.isWhole == false { losses.append(.frameDamaged) }
        }
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
    private static func small(_ value: Int64??) -> Int64 {
        guard let value = value ?? nil, value >= 0, value <= Int64(Int32.max) else { return -1 }
        return value
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
