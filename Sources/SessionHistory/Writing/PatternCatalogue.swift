import GRDB

/// The rows of `pattern` and `pattern_event`: how batches went that went alike, stored once and then known by number.
///
/// Numbers stay valid for ever. Used by the writer's thread only, inside its transaction.
final class PatternCatalogue {
    /// A pattern that is in the file.
    final class Stored {
        let number: Int64
        let events: [BatchPattern.Event]
        let frames: Int64

        init(number: Int64, _ pattern: BatchPattern) {
            self.number = number
            events = pattern.events
            frames = pattern.frames
        }
    }

    /// A history has at most so many, each of which takes a few bytes of a writer's memory.
    private static let maxPatterns = 16_384
    /// At most so many are known with all that they are.
    private static let maxKnown = 512
    private static let slots = 1024

    /// By hash, those that were used of late.
    private var known: [UInt64: Stored] = [:]
    /// By hash, the numbers of all up to `lastNumber`.
    private var numbers: [UInt64: Int64] = [:]
    private var lastNumber: Int64 = 0
    /// Hashes of batches that went like none before: the latest, one for each remainder. A pattern is stored when a second batch goes
    /// like it, since most that are irregular are the only one of their kind.
    private var seen = [UInt64](repeating: 0, count: slots)

    /// The pattern of a batch that went like this; nil for the first one.
    func pattern(_ pattern: BatchPattern, _ db: Database) throws -> Stored? {
        let hash = pattern.hash
        if let stored = known[hash] { return stored.events == pattern.events ? stored : nil }
        if lastNumber == 0 { try learn(db) }
        if numbers[hash] == nil {
            let slot = Int(truncatingIfNeeded: hash & UInt64(Self.slots - 1))
            guard seen[slot] == hash else {
                seen[slot] = hash
                return nil
            }
            // Another process may have stored it meanwhile.
            try learn(db)
        }
        let stored: Stored
        if let number = numbers[hash] {
            // It may be another of the same hash, or damaged.
            guard try PatternReader().pattern(number, db) == pattern else { return nil }
            stored = Stored(number: number, pattern)
        } else {
            guard numbers.count < Self.maxPatterns else { return nil }
            stored = Stored(number: try store(pattern, hash, db), pattern)
        }
        if known.count >= Self.maxKnown { known.removeAll(keepingCapacity: true) }
        known[hash] = stored
        return stored
    }

    /// Forgets everything, since a transaction that stored some of it was rolled back.
    func reset() {
        known = [:]
        numbers = [:]
        lastNumber = 0
    }

    private func learn(_ db: Database) throws {
        try db.forEachRow("SELECT id, hash FROM pattern WHERE id > ? ORDER BY id", [lastNumber]) { row in
            lastNumber = try row.integer(0)
            numbers[UInt64(bitPattern: try row.integer(1))] = lastNumber
            return true
        }
    }

    private func store(_ pattern: BatchPattern, _ hash: UInt64, _ db: Database) throws -> Int64 {
        try db.execute(
            sql: "INSERT INTO pattern(hash, copy) VALUES (?, ?)", arguments: [Int64(bitPattern: hash), pattern.json])
        let number = db.lastInsertedRowID
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO pattern_event(pattern, number, code, place, arrival, subject, frame, step)
                VALUES (?, ?, ?, nullif(?, -1), nullif(?, -1), nullif(?, 0), nullif(?, -1), ?)
                """)
        for (index, event) in pattern.events.enumerated() {
            try statement.execute(arguments: [
                number, index, event.code.rawValue, event.place, event.arrival, event.subject, event.frame, event.step,
            ])
        }
        (numbers[hash], lastNumber) = (number, number)
        return number
    }
}
