import GRDB

/// Reads the tables `pattern` and `pattern_event`, each pattern once: none is ever changed. Used by one thread at a time.
final class PatternReader {
    private static let maxKnown = 1024
    private var known: [Int64: BatchPattern] = [:]

    /// The pattern of this number, from its copy where its events are damaged; nil if it is not there, or is nothing that a batch can
    /// be.
    func pattern(_ number: Int64, _ db: Database) throws -> BatchPattern? {
        if let pattern = known[number] { return pattern }
        let stored = Result { try Self.stored(number, db) }
        let events = Result { try Self.events(number, db) }
        // One of them is enough.
        if case .failure(let error) = events, case .failure = stored { throw error }
        var pattern = (try? events.get()) ?? nil
        if let stored = (try? stored.get()) ?? nil, stored.hash != pattern?.hash { pattern = stored.pattern ?? pattern }
        guard let found = pattern else { return nil }
        if known.count >= Self.maxKnown { known.removeAll(keepingCapacity: true) }
        known[number] = found
        return found
    }

    /// Whether the pattern is as it was written.
    static func isIntact(_ number: Int64, _ db: Database) throws -> Bool {
        guard let copy = try stored(number, db), let pattern = try events(number, db) else { return false }
        return copy.pattern == pattern && copy.hash == pattern.hash
    }

    /// What the table `pattern` says of it; nil if it is not there. The pattern is nil if it is not what was hashed.
    private static func stored(_ number: Int64, _ db: Database) throws -> (hash: UInt64, pattern: BatchPattern?)? {
        try db.firstRow("SELECT hash, copy FROM pattern WHERE id = ?", [number]) { row in
            let hash = UInt64(bitPattern: try row.integer(0))
            let pattern = BatchPattern(json: row.utf8(1))
            return (hash, pattern?.hash == hash ? pattern : nil)
        }
    }

    /// What `pattern_event` says of it; nil if it is not there, or is nothing that a batch can be.
    private static func events(_ number: Int64, _ db: Database) throws -> BatchPattern? {
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
        return pattern.isWhole ? pattern : nil
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
