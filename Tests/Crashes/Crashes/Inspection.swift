import Foundation
import PipelineEngine
import SessionHistory

/// Looks at a history whose writer was killed.
struct Inspection {
    let path: String

    /// What of a victim's session is there.
    struct Found {
        /// Its last event.
        var last: Int64
        var state: SessionState
    }

    /// Opens the history for writing, as the next recording would, and checks it as a whole.
    func open() throws -> History {
        let history = try History.open(at: path, for: .writing)
        let verification = try history.verify()
        guard verification.isWhole else {
            throw Broken("\(path): \(verification.problems.prefix(5).map(\.detail).joined(separator: "; "))")
        }
        // Not with the means of those who wrote it, too.
        let problems = try Shell.lines(
            """
            PRAGMA integrity_check;
            SELECT 'gap in session ' || session FROM event WHERE session IN (SELECT session FROM session)
                GROUP BY session HAVING sum(1 + ((code >> 36) & 255)) <> max(seq + ((code >> 36) & 255)) OR min(seq) <> 1;
            SELECT 'session ' || session || ' is ' || state FROM session WHERE state = 'recording';
            """, on: path)
        guard problems == ["ok"] else { throw Broken("\(path): \(problems.prefix(5).joined(separator: "; "))") }
        return history
    }

    /// Holds a session against the script.
    ///
    /// - Parameter promised: the last event of which a flush has said that it is committed.
    func check(_ session: Int64, of history: History, promised: Int64) throws -> Found {
        guard let summary = try history.sessions().first(where: { $0.session == session }) else {
            throw Broken("\(path): session \(session) is not there")
        }
        var last: Int64 = 0
        try history.forEachEvent(of: session) { event in
            last += 1
            let expected = Script.event(last)
            guard event.sequence == last, event.kind == expected.kind, event.batch == expected.batch,
                event.branch == expected.branch, event.time == expected.time, event.arrival == expected.arrival,
                event.emission == expected.emission, event.position == expected.position,
                event.subject == expected.subject, event.outcome == expected.outcome,
                expected.frame.map({ event.frame?.hasSameContent(as: $0) ?? false }) ?? true
            else { throw Broken("\(path): session \(session), event \(last) is not what was recorded: \(event)") }
            return true
        }
        guard last >= promised else {
            throw Broken("\(path): session \(session) ends at event \(last), of \(promised) that were flushed")
        }
        guard summary.inbound == Script.batches(in: last) else {
            throw Broken("\(path): session \(session) counts \(summary.inbound) batches of \(Script.batches(in: last))")
        }
        try checkOpenBatch(session, last)
        return Found(last: last, state: summary.state)
    }

    /// The views show the batch that was open, and which branches had not given their SyncFrames back.
    private func checkOpenBatch(_ session: Int64, _ last: Int64) throws {
        let shown = try Shell.lines(
            """
            SELECT batch || ' ' || (SELECT coalesce(group_concat(branch, ','), '') FROM (SELECT branch FROM barriers AS b
                WHERE b.session = batches.session AND b.batch = batches.batch AND sync_ms IS NULL ORDER BY branch))
            FROM batches WHERE session = \(session) AND outcome = 'open'
            """, on: path)
        let expected = Script.open(after: last).map { open in
            ["\(open.batch) " + open.unsynced.map(String.init).joined(separator: ",")]
        }
        guard shown == expected ?? [] else {
            throw Broken(
                "\(path): session \(session), after event \(last): open batches \(shown), not \(expected ?? [])")
        }
    }
}

/// The real `sqlite3` shell.
enum Shell {
    static func lines(_ sql: String, on path: String) throws -> [String] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["sqlite3", "-bail", "-batch", path]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        input.fileHandleForWriting.write(Data(sql.utf8))
        try input.fileHandleForWriting.close()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text.split(separator: "\n").map(String.init)
    }
}
