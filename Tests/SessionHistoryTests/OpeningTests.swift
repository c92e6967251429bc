import Foundation
import PipelineEngine
import Testing

@testable import SessionHistory

/// Which files are opened, which are refused, and what opening leaves behind.
struct OpeningTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func failure(_ body: () throws -> Void) -> HistoryError? {
        do {
            try body()
            return nil
        } catch { return error as? HistoryError }
    }

    private func failureOfReading(_ path: String) -> HistoryError? { failure { _ = try History.open(at: path) } }
    private func failureOfWriting(_ path: String) -> HistoryError? {
        failure { _ = try History.open(at: path, for: .writing) }
    }

    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    // MARK: - Creating

    @Test func filesAreTheOwnersAlone() async throws {
        let path = folder.file("h.sqlite")
        let history = try History.open(at: path, for: .writing)
        let log = try await history.record([], state: nil)
        #expect(log.session == 1)
        for suffix in ["", "-wal", "-shm", ".lock"] { #expect(try mode(path + suffix) == 0o600, "\(suffix)") }
    }

    @Test func closingLeavesOneFileAndItsLock() async throws {
        let path = folder.file("h.sqlite")
        try await History.open(at: path, for: .writing).record([])
        #expect(try folder.listing().keys.sorted() == ["h.sqlite", "h.sqlite.lock"])
    }

    @Test func theSchemaIsWhatTheShellMakesOfTheMigrations() throws {
        let path = folder.file("h.sqlite")
        _ = try History.open(at: path, for: .writing)
        let byShell = folder.file("shell.sqlite")
        for name in ["0001_sessions", "0002_views", "0003_runs", "0004_patterns"] {
            let sql = try String(contentsOfFile: repository + "/migrations/\(name).sql", encoding: .utf8)
            _ = try SQLiteShell.run(sql, on: byShell)
        }
        let question = """
            SELECT type, name, sql FROM sqlite_schema ORDER BY name; PRAGMA user_version; PRAGMA application_id;
            PRAGMA page_size; PRAGMA auto_vacuum; PRAGMA journal_mode; SELECT number, name FROM migration;
            """
        #expect(try SQLiteShell.run(question, on: path) == SQLiteShell.run(question, on: byShell))
        // And lockstep takes the shell's for one of its own.
        #expect(failureOfWriting(byShell) == nil)
    }

    @Test(arguments: [
        "file:x?mode=memory", ":memory:", "file:///etc/passwd", "a b%20c?d#e", "x'\"; DROP TABLE session",
    ])
    func aPathIsAPath(_ name: String) async throws {
        let name = name.replacingOccurrences(of: "/", with: "_")
        let history = try History.open(at: folder.file(name), for: .writing)
        try await history.record([])
        #expect(history.path.hasSuffix("/" + name))
        #expect(FileManager.default.fileExists(atPath: folder.file(name)))
        #expect(try History.open(at: folder.file(name)).sessions().count == 1)
    }

    @Test func aFolderThatIsNotThere() throws {
        let error = try #require(failureOfWriting(folder.file("no/such/h.sqlite")))
        #expect(error.code == .notFound)
        #expect(error.message.contains("no/such") && error.message.contains("--db"))
        #expect(failureOfReading(folder.file("no/such/h.sqlite"))?.code == .notFound)
        #expect(failureOfReading(folder.file("h.sqlite"))?.message.contains("there is no history in") == true)
        #expect(failureOfWriting("")?.code == .notFound)
        #expect(failureOfWriting(folder.path)?.code == .foreign)
        #expect(try folder.listing().keys.filter { !$0.hasSuffix(".lock") }.isEmpty)
    }

    @Test(.enabled(if: geteuid() != 0, "root may write anywhere"))
    func aFolderThatMayNotBeWritten() throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: folder.path)
        defer { try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder.path) }
        #expect(failureOfWriting(folder.file("h.sqlite"))?.code == .noPermission)
    }

    @Test func aSymbolicLinkIsNotCreatedThrough() throws {
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("h.sqlite"), withDestinationPath: folder.file("elsewhere"))
        #expect(failureOfWriting(folder.file("h.sqlite")) != nil)
        #expect(!FileManager.default.fileExists(atPath: folder.file("elsewhere")))
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("other.sqlite.lock"), withDestinationPath: folder.file("elsewhere"))
        #expect(failureOfWriting(folder.file("other.sqlite"))?.code == .foreign)
        #expect(!FileManager.default.fileExists(atPath: folder.file("elsewhere")))
    }

    // MARK: - Strangers

    /// Refused for reading and writing, with a sentence, and without a change to it or a file beside it.
    private func expectRefusal(_ name: String, _ code: HistoryError.Code, saying words: String) throws {
        let before = try folder.listing()
        for error in [failureOfReading(folder.file(name)), failureOfWriting(folder.file(name))] {
            let error = try #require(error)
            #expect(error.code == code)
            #expect(error.message.contains(words) && error.message.contains(folder.file(name)), "\(error)")
        }
        #expect(try folder.listing() == before)
    }

    @Test func filesThatAreNoHistory() throws {
        let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + [UInt8](repeating: 0, count: 200)
        for (name, bytes, words) in [
            ("empty", [], "it is empty"), ("picture.png", png, "it is no SQLite database"),
            ("short", [1, 2, 3], "it is no SQLite database"),
        ] {
            try Data(bytes).write(to: URL(fileURLWithPath: folder.file(name)))
            try expectRefusal(name, .foreign, saying: words)
        }
        _ = try SQLiteShell.run("PRAGMA journal_mode = WAL; CREATE TABLE mine(x)", on: folder.file("other.db"))
        try expectRefusal("other.db", .foreign, saying: "another program's SQLite database")
    }

    @Test func aNewerSchema() throws {
        _ = try History.open(at: folder.file("h.sqlite"), for: .writing)
        _ = try SQLiteShell.run("PRAGMA user_version = 999", on: folder.file("h.sqlite"))
        try expectRefusal("h.sqlite", .newer, saying: "newer lockstep")
    }

    @Test(arguments: [
        ("CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM event; END", "trigger t"),
        ("CREATE VIEW v AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT * FROM c", "view v"),
        ("DROP VIEW sessions; CREATE VIEW sessions AS SELECT 1", "view sessions"),
        ("CREATE INDEX i ON event(batch)", "index i"),
        ("ALTER TABLE session ADD COLUMN evil TEXT AS (hex(zeroblob(500000000)))", "table session"),
        ("DROP VIEW timeline", "view timeline"),
    ])
    func aSchemaThatAnotherHandChanged(_ sql: String, _ words: String) throws {
        _ = try History.open(at: folder.file("h.sqlite"), for: .writing)
        _ = try SQLiteShell.run(sql, on: folder.file("h.sqlite"))
        try expectRefusal("h.sqlite", .foreign, saying: words)
    }

    @Test func statisticsOfAnalyzeAreHarmless() async throws {
        let path = folder.file("h.sqlite")
        try await History.open(at: path, for: .writing).record([])
        _ = try SQLiteShell.run("ANALYZE", on: path)
        #expect(failureOfReading(path) == nil && failureOfWriting(path) == nil)
    }

    /// The schema is ours, the rows are not.
    @Test(arguments: [
        "UPDATE event SET code = 0", "UPDATE event SET code = 15", "UPDATE frame SET frame_id = -1",
        "UPDATE frame SET shape = 77", "UPDATE frame SET fields = '{'", "UPDATE frame_type SET base = id",
        "UPDATE frame_type SET class = 'other'", "UPDATE shape SET fields = '[1]'",
    ])
    func rowsThatCannotBe(_ sql: String) async throws {
        let path = folder.file("h.sqlite")
        var script = SessionScript()
        script.batch(1, text: "x")
        let log = try await History.open(at: path, for: .writing).record(script.events)
        _ = try SQLiteShell.run("PRAGMA ignore_check_constraints = ON; " + sql, on: path)
        let error = try #require(failure { _ = try History.open(at: path).allEvents(of: log.session) })
        #expect(error.code == .damaged, "\(error)")
        #expect(error.message.contains("lockstep recover"))
    }

    // MARK: - Reading

    @Test func readingLeavesNoTrace() async throws {
        let path = folder.file("h.sqlite")
        var script = SessionScript()
        script.batch(1, text: "x")
        try await History.open(at: path, for: .writing).record(script.events)
        let before = try folder.listing()
        do {
            let history = try History.open(at: path)
            #expect(try history.allEvents(of: 1).count == 7)
            #expect(try folder.listing() == before)
        }
        #expect(try folder.listing() == before)
        #expect(throws: HistoryError.self) { try History.open(at: path).add([], to: 1) }
    }

    /// A reader that began while nobody wrote sees what is written later.
    @Test func aReaderFollowsAWriterThatComesLater() async throws {
        let path = folder.file("h.sqlite")
        try await History.open(at: path, for: .writing).record([], name: "first")
        let reader = try History.open(at: path)
        #expect(try reader.sessions().map(\.name) == ["first"])
        let writing = try History.open(at: path, for: .writing)
        try await writing.record([], name: "second")
        #expect(try reader.sessions().map(\.name) == ["first", "second"])
        try await writing.record([], name: "third")
        #expect(try reader.sessions().count == 3)
    }

    @Test(.enabled(if: geteuid() != 0, "root may write anywhere"))
    func aReadOnlyFolderIsRead() async throws {
        try await History.open(at: folder.file("h.sqlite"), for: .writing).record([])
        try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: folder.path)
        defer { try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder.path) }
        #expect(try History.open(at: folder.file("h.sqlite")).sessions().count == 1)
    }

    // MARK: - Finding sessions

    @Test func sessionsAreFoundByNumberNameUuidAndLast() async throws {
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        #expect(throws: HistoryError.self) { try history.session("last") }
        for (name, uuid) in [
            ("a", "aaaaaaaa-0000-4000-8000-000000000001"), ("b", "aaaaaaaa-0000-4000-8000-000000000002"),
            ("a", "cccccccc-0000-4000-8000-000000000003"),
        ] {
            try await history.record([], name: name, uuid: uuid)
        }
        #expect(try history.session("2").session == 2)
        #expect(try history.session("last").session == 3)
        #expect(try history.session("a").session == 3)
        #expect(try history.session("CCCC").session == 3)
        #expect(try history.session("aaaaaaaa-0000-4000-8000-000000000001").session == 1)
        #expect(failure { _ = try history.session("aaaa") }?.code == .ambiguous)
        // A name of which SQLite would see the beginning.
        #expect(failure { _ = try history.session("a\0b") }?.code == .notFound)
        #expect(failure { _ = try history.session("cccc\0") }?.code == .notFound)
        let missing = failure { _ = try history.session("nobody\u{1b}[31m") }
        #expect(missing?.code == .notFound && missing?.message.contains("1 to 3") == true)
        #expect(failure { _ = try history.events(of: 99) }?.code == .notFound)
        #expect(failure { _ = try history.definition(of: 99) }?.code == .notFound)
    }

    /// They are read in pages, which nobody sees.
    @Test(arguments: [0, 1, 511, 512, 513, 1024, 1500, 5000]) func everySessionIsGivenOnce(_ count: Int) async throws {
        let path = folder.file("h.sqlite")
        let history = try History.open(at: path, for: .writing)
        if count > 0 {
            // Every third number, as where others were deleted.
            _ = try SQLiteShell.run(
                """
                WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < \(count))
                INSERT INTO session(session, uuid, state, started_at) SELECT 3 * n, printf('%036d', n), 'complete', '' FROM n
                """, on: path)
        }
        var numbers: [Int64] = []
        try history.forEachListedSession {
            numbers.append($0.session)
            return true
        }
        #expect(numbers == (1...5000).prefix(count).map { 3 * $0 })
        #expect(try history.sessions().map(\.session) == numbers)
        var seen = 0
        try history.forEachListedSession { _ in
            seen += 1
            return seen < 513
        }
        #expect(seen == min(count, 513))
        struct Enough: Error {}
        if count > 0 { #expect(throws: Enough.self) { try history.forEachListedSession { _ in throw Enough() } } }
    }

    @Test func definitionsReadBack() async throws {
        let definition = SessionDefinition(stages: [
            .init(
                number: 0, name: "outer \"é\"", frameOrder: .pipeline,
                branches: [
                    .init(number: 0, name: nil, processors: []),
                    .init(number: 1, name: "n", processors: ["a#0", "b\"#1"]),
                ]),
            .init(
                number: 1, name: "inner", frameOrder: nil, branches: [.init(number: 0, processors: ["c"])], parent: 0),
        ])
        let history = try History.open(at: folder.file("h.sqlite"), for: .writing)
        let log = try await history.record([], definition: definition)
        #expect(try history.definition(of: log.session) == definition)
    }
}

/// The folder of the repository.
let repository: String = {
    var path = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { path.deleteLastPathComponent() }
    return path.path
}()
