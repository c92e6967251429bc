import Foundation
import GRDB

/// Which sessions a prune keeps. Sessions that are being recorded stay whatever it says.
public enum PruneRule: Sendable, Hashable {
    /// Those that started no longer ago than this.
    case olderThan(seconds: Double)
    /// The newest `count`.
    case keep(count: Int)
    /// The newest that together make a file no larger than this.
    case maxSize(bytes: Int64)
}

/// What a delete or prune removed, or would remove.
public struct Removal: Sendable {
    public var sessions: [SessionSummary]
    /// Size of the history in bytes before, its write-ahead log included.
    public var sizeBefore: Int64
    /// After; nil if nothing was done.
    public var sizeAfter: Int64?
}

extension History {
    /// Deletes sessions. They vanish at once; then the file shrinks step by step, so that others can write in between. If
    /// the process dies over that, the next opening for writing goes on with it.
    ///
    /// - Throws: `HistoryError` if one is being recorded; then none is deleted.
    public func delete(_ sessions: [Int64]) throws -> Removal {
        try remove(sessions.map(sessionAtRest))
    }

    /// Deletes the sessions that `rule` does not keep, oldest first, as `delete` does.
    ///
    /// - Parameter dryRun: only says what it would do.
    public func prune(_ rule: PruneRule, dryRun: Bool = false) throws -> Removal {
        try prune(rule, dryRun: dryRun, now: Date())
    }

    func prune(_ rule: PruneRule, dryRun: Bool, now: Date) throws -> Removal {
        let doomed = try doomed(by: rule, now: now)
        if dryRun { return Removal(sessions: doomed, sizeBefore: size, sizeAfter: nil) }
        var removal = try remove(doomed)
        // Sizes of sessions are estimates: go on until the file is as small as it was to be.
        if case .maxSize(let bytes) = rule {
            while let after = removal.sizeAfter, after > bytes,
                let next = try sessions().first(where: { $0.state != .recording })
            {
                removal.sizeAfter = try remove([next]).sizeAfter
                removal.sessions.append(next)
            }
        }
        return removal
    }

    private func doomed(by rule: PruneRule, now: Date) throws -> [SessionSummary] {
        let all = try sessions()
        func candidates(_ sessions: some Sequence<SessionSummary>) -> [SessionSummary] {
            sessions.filter { $0.state != .recording }
        }
        switch rule {
        case .olderThan(let seconds):
            let limit = now.addingTimeInterval(-seconds)
            return candidates(all.filter { Timestamp.date($0.startedAt).map { $0 < limit } ?? false })
        case .keep(let count):
            return candidates(all.dropLast(max(0, count)))
        case .maxSize(let bytes):
            let (sizes, size) = try reader.read { db in
                let sizes = Dictionary(
                    uniqueKeysWithValues: try db.rows("SELECT session, bytes FROM session") {
                        (try $0.integer(0), try $0.integer(1))
                    })
                // The file as it is once its log has been moved into it.
                let pages = try db.firstRow("PRAGMA page_count") { try $0.integer(0) } ?? 0
                let pageSize = try db.firstRow("PRAGMA page_size") { try $0.integer(0) } ?? 0
                return (sizes, pages * pageSize)
            }
            // What the sessions take by their own count is less than the file: pages are not full, and more is in them.
            let scale = Double(size) / Double(max(1, sizes.values.reduce(0, +)))
            var left = Double(size)
            return candidates(
                all.prefix { session in
                    defer { left -= Double(sizes[session.session] ?? 0) * scale }
                    return left > Double(bytes)
                })
        }
    }

    private func remove(_ doomed: [SessionSummary]) throws -> Removal {
        let lease = try writing()
        let before = size
        let numbers = doomed.map(\.session)
        try lease.writer.perform { connection in
            try connection.transaction { db, _ in try Removing.discard(numbers, db) }
        }
        // Each step is a piece of work of its own, so that recorders of this process get their turn as well.
        while try lease.writer.perform({ connection in try Removing.sweepStep(connection) }) {}
        try lease.writer.perform { connection in
            try connection.transaction { db, _ in try Removing.removeUnusedShapes(db) }
        }
        return Removal(sessions: doomed, sizeBefore: before, sizeAfter: size)
    }

    var size: Int64 {
        HistoryFile.stamp(path).map { $0.size + $0.logSize } ?? 0
    }
}
