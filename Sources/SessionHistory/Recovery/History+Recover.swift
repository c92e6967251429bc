import Foundation
import GRDB
import PipelineEngine

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension History {
    /// Salvages what can be read of a damaged history into a new one.
    ///
    /// The old files are only read. The new one gets its name when it is whole; it needs as much space again meanwhile, since
    /// the old one is copied first.
    ///
    /// - Parameters:
    ///   - target: must not exist.
    ///   - progress: is told how many events were salvaged so far.
    /// - Throws: `HistoryError` when there is nothing of a history in `path`, or the new one cannot be written.
    public static func recover(
        _ path: String, to target: String, progress: (Int64) -> Void = { _ in }
    ) async throws -> RecoveryReport {
        let source = try HistoryFile.absolutePath(path)
        let target = try HistoryFile.absolutePath(target)
        var status = stat()
        guard stat(source, &status) == 0 else {
            throw HistoryError(.notFound, "there is no file \(source); give the path of the damaged history")
        }
        guard lstat(target, &status) != 0 else {
            throw HistoryError(.noPermission, "\(target) is there already; give the path of a new file")
        }
        let folder = target + ".recovery"
        guard mkdir(folder, 0o700) == 0 else {
            throw HistoryError(systemError: errno, "cannot make the folder", folder)
        }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let draft = folder + "/new.sqlite"
        let report: RecoveryReport
        do {
            var recovery = try Recovery(from: source, to: draft, in: folder)
            report = try await recovery.run(progress)
        } catch {
            throw HistoryError(error, path: source, doing: "cannot recover")
        }
        guard link(draft, target) == 0 else { throw HistoryError(systemError: errno, "cannot create", target) }
        try HistoryFile.settleName(target)
        return report
    }
}

/// A recovery under way: one pass over the log to see which sessions are in it, one to bring them over.
struct Recovery {
    private let copy: DamagedCopy
    private let draft: String
    private var report = RecoveryReport()
    private var sessions: [Int64: SalvagedSession] = [:]
    /// By session, the last row of the log that is its own, how many it has, and how many events are in them.
    private var ends: [Int64: (row: Int64, rows: Int64, events: Int64)] = [:]
    /// Sessions that were deleted; what is left of them is not brought back.
    private var discarded: Set<Int64> = []

    init(from source: String, to draft: String, in folder: String) throws {
        copy = try DamagedCopy(of: source, in: folder)
        self.draft = draft
        report.remarks = copy.remarks
        report.losses = copy.losses
    }

    mutating func run(_ progress: (Int64) -> Void) async throws -> RecoveryReport {
        try survey()
        guard !sessions.isEmpty else {
            throw HistoryError(.damaged, "no session can be read in it, and no new file was made")
        }
        try History.open(at: draft, for: .writing).close()
        try keepKey()
        let history = try History.open(at: draft, for: .writing)
        try await bringOver(to: history, progress)
        try bringReplays(to: history)
        history.close()
        report.sessions.sort { $0.session < $1.session }
        return report
    }

    // MARK: - Survey

    private mutating func survey() throws {
        let queue = copy.queue
        try queue.inDatabase { db in
            var scan = TolerantScan(table: "session", id: "session", columns: SalvagedSession.columns)
            try scan.read(db) { row in
                if let session = try? SalvagedSession(row, db) { sessions[session.number] = session }
                return true
            }
            if !scan.gaps.isEmpty { report.losses.append("rows of the table of sessions cannot be read") }
            if let rows = try? db.rows("SELECT session FROM discarded", [], { try $0.integer(0) }) {
                discarded = Set(rows)
            }
            try surveyLog(db)
        }
    }

    private mutating func surveyLog(_ db: Database) throws {
        var widths: [Int64: [Int: Int]] = [:]
        let patterns = PatternReader()
        var scan = TolerantScan(table: "event", id: "id", columns: "id, session, code, place")
        try scan.read(db) { row in
            guard let session = try? row.integer(1), let packed = try? row.integer(2) else { return true }
            let code = EventCode(rawValue: packed)
            var end = ends[session] ?? (0, 0, 0)
            end.row = try row.integer(0)
            end.rows += 1
            end.events += code.isWhole ? code.further + 1 : 1
            ends[session] = end
            if sessions[session]?.definition == nil {
                var branch = code.isWhole ? code.branch : -1
                if code.isWhole, code.isPatterned, let place = try? row.integer(3) {
                    let pattern = (try? patterns.pattern(place, db)) ?? nil
                    branch = pattern?.events.map(\.code.branch).max() ?? branch
                }
                widths[session, default: [:]][code.stage] = max(widths[session]?[code.stage] ?? 0, branch + 1)
            }
            return true
        }
        if !scan.gaps.isEmpty {
            let places = scan.gaps.prefix(5).map {
                $0.upperBound == .max ? "from \($0.lowerBound) on" : "\($0.lowerBound) to \($0.upperBound)"
            }
            report.losses.append("rows \(places.joined(separator: ", ")) of the log cannot be read")
        }
        var strays: Int64 = 0
        for (session, end) in ends where sessions[session] == nil && !discarded.contains(session) {
            // A number that few rows have is a damaged number, not a session.
            if end.rows >= 3, session > 0 {
                sessions[session] = SalvagedSession(number: session)
            } else {
                strays += end.events
            }
        }
        if strays > 0 { report.losses.append("\(strays) events belong to no session that is there") }
        for (session, stages) in widths where sessions[session]?.definition == nil {
            let count = min(EventCode.maxStage + 1, (stages.keys.max() ?? -1) + 1)
            sessions[session]?.definition = SessionDefinition(
                stages: (0..<max(0, count)).map { stage in
                    SessionDefinition.Stage(
                        number: stage, name: "stage \(stage)", frameOrder: nil,
                        branches: (0..<(stages[stage] ?? 0)).map { .init(number: $0, processors: []) })
                })
        }
    }

    // MARK: - Bringing over

    /// The new history hashes with the old one's key, so that what they hold can be compared.
    private func keepKey() throws {
        let queue = copy.queue
        let key = queue.inDatabase { db in
            try? db.firstRow("SELECT value FROM secret WHERE name = 'content'") { try $0.optionalBytes(0) }
        }
        guard let key = key ?? nil, key.count == 32 else { return }
        let new = try DatabaseQueue(path: draft)
        try new.inDatabase { db in
            try db.execute(sql: "UPDATE secret SET value = ? WHERE name = 'content'", arguments: [Data(key)])
        }
        try new.close()
    }

    private mutating func bringOver(to history: History, _ progress: (Int64) -> Void) async throws {
        let queue = copy.queue
        let frames = try queue.inDatabase { db in try SalvagedFrames(db) }
        var scan = TolerantScan(table: "event", id: "id", columns: SalvagedRow.columns)
        let patterns = PatternReader()
        var open: [Int64: SalvagedLog] = [:]
        var done: Int64 = 0
        for number in sessions.keys.sorted() where ends[number] == nil {
            let log = try await begin(number, in: history)
            report.sessions.append(try await log.finish(in: history))
        }
        while !scan.isAtEnd {
            var rows: [(id: Int64, session: Int64, events: [SalvagedRow])] = []
            var (part, bytes, count) = (scan, 0, 0)
            try queue.inDatabase { db in
                frames.bytesRead = 0
                try part.read(db) { row in
                    let session = (try? row.integer(1)) ?? 0
                    rows.append((try row.integer(0), session, SalvagedRow.events(row, frames, patterns, db)))
                    count += rows.last?.events.count ?? 0
                    bytes = frames.bytesRead
                    return rows.count < 2048 && count < 2048 && bytes < 8 << 20
                }
            }
            scan = part
            var touched: Set<Int64> = []
            for (id, number, events) in rows where sessions[number] != nil {
                if !events.isEmpty {
                    if open[number] == nil { open[number] = try await begin(number, in: history) }
                    open[number]?.add(events)
                    touched.insert(number)
                }
                if ends[number]?.row == id, let log = open.removeValue(forKey: number) {
                    report.sessions.append(try await log.finish(in: history))
                }
            }
            for number in touched { try await open[number]?.flush() }
            done += Int64(count)
            progress(done)
        }
        for log in open.values { report.sessions.append(try await log.finish(in: history)) }
    }

    private mutating func begin(_ number: Int64, in history: History) async throws -> SalvagedLog {
        var session = sessions[number] ?? SalvagedSession(number: number)
        func start(_ uuid: String?) -> SessionStart {
            var start = SessionStart(
                definition: session.definition ?? SessionDefinition(), name: session.name, source: session.source,
                uuid: uuid, startedAt: session.startedAt, isImport: session.isImport, payload: session.payload)
            start.number = number
            return start
        }
        let isUUID = session.uuid.map { UUID(uuidString: $0) != nil } ?? false
        if isUUID, let log = try await history.begin(start(session.uuid)) { return SalvagedLog(session, log: log) }
        if let uuid = session.uuid {
            session.losses.append("its uuid '\(uuid.storable(maxBytes: 64))' is damaged; it has a new one")
        }
        guard let log = try await history.begin(start(nil)) else {
            throw HistoryError(.storage, "session \(number) could not be opened in the new history")
        }
        return SalvagedLog(session, log: log)
    }

    // MARK: - Replays

    /// Reruns are stored beside the sessions; they are brought over row by row.
    private mutating func bringReplays(to history: History) throws {
        let known = Set(report.sessions.map(\.session))
        var lost = false
        let columns =
            "replay, session, frame_order, started_at, verdict, differing_batches, first_release, last_release"
        var replays: Set<Int64> = []
        try copyRows("replay", "replay", columns, to: history, &lost) { row in
            guard known.contains(try row.integer(1)) else { return false }
            replays.insert(try row.integer(0))
            return true
        }
        let releases = "id, replay, stage, batch, upstream, position, branch, frame_id, frame_name, frame_type"
        try copyRows("replay_release", "id", releases, to: history, &lost) { replays.contains(try $0.integer(1)) }
        if lost { report.losses.append("some of what reruns released cannot be read; replay the sessions again") }
    }

    private func copyRows(
        _ table: String, _ id: String, _ columns: String, to history: History, _ lost: inout Bool,
        where isWanted: (StoredRow) throws -> Bool
    ) throws {
        let queue = copy.queue
        let count = columns.split(separator: ",").count
        let marks = Array(repeating: "?", count: count).joined(separator: ", ")
        let insert = "INSERT OR IGNORE INTO \(table)(\(columns)) VALUES (\(marks))"
        var scan = TolerantScan(table: table, id: id, columns: columns)
        while !scan.isAtEnd {
            var rows: [[DatabaseValue]] = []
            try queue.inDatabase { db in
                try scan.read(db) { row in
                    guard (try? isWanted(row)) ?? false else { return true }
                    rows.append((0..<count).map { row.value($0) })
                    return rows.count < 5000
                }
            }
            let lease = try history.writing()
            let taken = rows
            try lease.writer.perform { connection in
                try connection.transaction { db, _ in
                    let statement = try db.cachedStatement(sql: insert)
                    for row in taken { try statement.execute(arguments: StatementArguments(row)) }
                }
            }
        }
        if !scan.gaps.isEmpty { lost = true }
    }
}
