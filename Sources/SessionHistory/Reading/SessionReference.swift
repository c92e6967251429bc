/// How a person names a session: a number, a unique beginning of its uuid, its name or `last`.
struct SessionReference {
    let text: String

    init(_ text: String) { self.text = text }

    /// The session that is meant, out of all, oldest first.
    func find(in sessions: [SessionSummary], path: String) throws -> SessionSummary {
        guard let last = sessions.last else {
            throw HistoryError(.notFound, "there is no session in \(path) yet; record one first")
        }
        if text == "last" { return last }
        if let number = Int64(text), let session = sessions.first(where: { $0.session == number }) { return session }
        if let session = sessions.last(where: { $0.name == text }) { return session }
        let beginning = text.lowercased()
        let matches = beginning.count < 2 ? [] : sessions.filter { $0.uuid.hasPrefix(beginning) }
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
