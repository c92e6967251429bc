import GRDB

/// A row of the log as that which an event is about: where in it which event is.
struct LogRow {
    private var id: Int64
    private var further: Int64
    private var firstSequence: Int64
    private var firstFrame: Int64?
    let session: Int64

    /// What `init(_:at:)` reads, of the row `s`.
    static let columns = "s.id, s.code, s.seq, s.frame, s.session"

    /// From columns of a query; nil if there is no such row.
    init?(_ row: StoredRow, at column: Int) throws {
        guard let id = try row.optionalInteger(column) else { return nil }
        self.id = id
        further = EventCode(rawValue: try row.integer(column + 1)).further
        firstSequence = try row.integer(column + 2)
        firstFrame = try row.optionalInteger(column + 3)
        session = try row.integer(column + 4)
    }

    /// The row that holds an event, looked for in `known` first; nil if the event is not there.
    static func holding(_ event: Int64, known: LogRow? = nil, _ db: Database) throws -> LogRow? {
        if let known, known.holds(event) { return known }
        let row = try db.firstRow(
            "SELECT \(columns) FROM event AS s WHERE s.id <= ? ORDER BY s.id DESC LIMIT 1", [event]
        ) { try LogRow($0, at: 0) }
        guard let row = row ?? nil, row.holds(event) else { return nil }
        return row
    }

    private func holds(_ event: Int64) -> Bool { event >= id && event &- id <= further }

    // Numbers of a damaged file may be any.

    func sequence(of event: Int64) -> Int64 { firstSequence &+ (event &- id) }

    /// The row of the event's own frame.
    func frame(of event: Int64) -> Int64? { firstFrame.map { $0 &+ (event &- id) } }
}
