import GRDB
import PipelineEngine

/// A row of the log with all that the hash of its session's events covers.
struct LoggedEvent {
    var id: Int64
    var session: Int64
    var sequence: Int64
    var time: Int64
    var code: EventCode
    var batch: Int64?
    var place: Int64?
    var arrival: Int64?
    /// The log id of the event that it is about, and what that row says; nil if it is not there.
    var subject: Int64?
    var subjectSequence: Int64?
    var subjectSession: Int64?
    /// The row of its own frame, and what stands for it in the hash; nil if it is not there.
    var frame: Int64?
    var frameMark: UInt64?
    var hasNote: Bool
    var processor: String?
    var detail: String?

    /// To be followed by a condition on `e` and an order.
    static let selection = """
        SELECT e.id, e.session, e.seq, e.time, e.code, e.batch, e.place, e.arrival, e.subject, s.seq, s.session, e.frame,
            f.frame_id, f.hash, f.name, n.event, n.processor, n.detail
        FROM event AS e
            LEFT JOIN event AS s ON s.id = e.subject
            LEFT JOIN frame AS f ON f.id = e.frame
            LEFT JOIN note AS n ON n.event = e.id
        """

    init(_ row: StoredRow) throws {
        id = try row.integer(0)
        session = try row.integer(1)
        sequence = try row.integer(2)
        time = try row.integer(3)
        code = EventCode(rawValue: try row.integer(4))
        batch = try row.optionalInteger(5)
        place = try row.optionalInteger(6)
        arrival = try row.optionalInteger(7)
        subject = try row.optionalInteger(8)
        subjectSequence = try row.optionalInteger(9)
        subjectSession = try row.optionalInteger(10)
        frame = try row.optionalInteger(11)
        if let frameID = try row.optionalInteger(12) {
            frameMark = FrameHash.mark(
                UInt64(bitPattern: try row.integer(13)), id: frameID, name: row.isNull(14) ? nil : row.utf8(14))
        }
        hasNote = !row.isNull(15)
        processor = try row.optionalText(16)
        detail = try row.optionalText(17)
    }

    func add(to hash: inout EventsHash) {
        hash.add(
            sequence: sequence, time: time, code: code.rawValue, batch: batch ?? 0, place: place ?? -1,
            arrival: arrival ?? -1, subject: subjectSequence ?? 0, frame: frameMark ?? 0)
        if hasNote { hash.addNote(processor: processor, detail: detail) }
    }
}
