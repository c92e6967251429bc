import GRDB

/// How a person names a session: a number, a unique beginning of its uuid, its name or `last`.
struct SessionReference {
    let text: String

    init(_ text: String) { self.text = text }

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
            beginning.count < 2
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
