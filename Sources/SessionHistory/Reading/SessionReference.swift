import GRDB

/// How a person names a session: a number, a unique beginning of its uuid, its name or `last`.
struct SessionReference {
    let text: String
    /// Whether the session is to be changed. A few digits then are a number, or a name, and no uuid's beginning: `delete 51` said once more,
    /// when 51 is gone, is not to delete another.
    let isToBeChanged: Bool
    /// From so many characters on, nobody means a session's number.
    private static let lengthOfNoNumber = 8

    init(_ text: String, isToBeChanged: Bool = false) {
        self.text = text
        self.isToBeChanged = isToBeChanged
    }

    /// The session that is meant.
    func find(in db: Database, lockFile: LockFile?, path: String) throws -> SessionSummary {
        func sessions(_ clause: String, _ arguments: StatementArguments = []) throws -> [SessionSummary] {
            try SessionSummary.found(clause, arguments, db, lockFile: lockFile)
        }
        guard let last = try sessions("ORDER BY session DESC LIMIT 1").first else {
            throw HistoryError(.notFound, "there is no session in \(path) yet; record one first")
        }
        if text == "last" { return last }
        if let number = Int64(text), let session = try sessions("WHERE session = ?", [number]).first { return session }
        if let session = try sessions("WHERE name = ? ORDER BY session DESC LIMIT 1", [text.storable()]).first {
            return session
        }
        let beginning = text.lowercased().storable()
        // '~' comes after every character of a uuid.
        let matches =
            beginning.count < 2 || (isToBeChanged && Int64(text) != nil && beginning.count < Self.lengthOfNoNumber)
            ? [] : try sessions("WHERE uuid >= ? AND uuid < ? ORDER BY session", [beginning, beginning + "~"])
        if matches.count > 1 {
            let candidates = matches.prefix(5).map { "\($0.session) (\($0.uuid))" }.joined(separator: ", ")
            throw HistoryError(
                .ambiguous, "'\(shown)' begins the uuids of \(matches.count) sessions: \(candidates); give more of it")
        }
        guard let match = matches.first else {
            throw HistoryError(
                .notFound,
                "there is no session '\(shown)' in \(path); give a number (1 to \(last.session)), the beginning of a uuid, "
                    + "a name or 'last', as 'lockstep sessions' lists them")
        }
        return match
    }

    private var shown: String { text.capped(maxBytes: 100) }
}
