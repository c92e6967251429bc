import GRDB

/// Reads the tables `pattern` and `pattern_event`, each pattern once: none is ever changed. Used by one thread at a time.
final class PatternReader {
    private static let maxKnown = 1024
    private var known: [Int64: BatchPattern] = [:]

    /// The pattern of this number; nil if it is not there, or is nothing that a batch can be.
    func pattern(_ number: Int64, _ db: Database) throws -> BatchPattern? {
        if let pattern = known[number] { return pattern }
        var pattern = BatchPattern(events: [])
        try db.forEachRow(
            """
            SELECT number, code, place, arrival, subject, frame, step FROM pattern_event WHERE pattern = ? ORDER BY number
            """, [number]
        ) { row in
            guard let event = try? BatchPattern.Event(row), (try? row.int(0)) == pattern.events.count else {
                pattern.events = []
                return false
            }
            pattern.events.append(event)
            return pattern.events.count <= BatchPattern.maxEvents
        }
        guard pattern.isWhole else { return nil }
        if known.count >= Self.maxKnown { known.removeAll(keepingCapacity: true) }
        known[number] = pattern
        return pattern
    }
}

extension BatchPattern.Event {
    /// From the columns behind the first.
    fileprivate init(_ row: StoredRow) throws {
        self.init(
            code: EventCode(rawValue: try row.integer(1)), place: try row.optionalInteger(2) ?? -1,
            arrival: try row.optionalInteger(3) ?? -1, subject: try row.optionalInteger(4) ?? 0,
            frame: try row.optionalInteger(5) ?? -1, step: try row.integer(6))
    }
}
