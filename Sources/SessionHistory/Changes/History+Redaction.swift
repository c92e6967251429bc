/// What a redaction took out.
public struct Redaction: Sendable {
    public var session: SessionSummary
    /// How many frames lost content.
    public var frames: Int64
    /// Size of the history in bytes before and after, its write-ahead log included.
    public var sizeBefore: Int64
    public var sizeAfter: Int64
    /// Whether the write-ahead log, which may hold what was taken out, could be emptied: not while somebody reads in it.
    public var isLogEmptied: Bool
}

extension History {
    /// Takes content out of a session, down to what `mode` keeps. Order, times, ids and types stay.
    ///
    /// When it returns, the bytes are gone from the history's files, unless `isLogEmptied` says otherwise: SQLite overwrites what
    /// is deleted, the space is given back, the write-ahead log emptied. Copies elsewhere, and what the disk keeps of blocks that
    /// were given back, are out of reach. If the process dies meanwhile, run it again; `verify` says so.
    ///
    /// - Throws: `HistoryError` if there is no such session or it is being recorded.
    public func redact(_ session: Int64, keeping mode: PayloadMode = .none) throws -> Redaction {
        let known = try sessionAtRest(session)
        let lease = try writing()
        let before = size
        let kept = known.payload.keeping(atMost: mode)
        var work = try lease.writer.perform { connection in
            try connection.transaction { db, _ in try Redacting(begin: session, keeping: kept, db) }
        }
        // Each step is a piece of work of its own, so that recorders of this process get their turn as well.
        while !work.isDone {
            let now = work
            work = try lease.writer.perform { connection in
                let next = try connection.transaction { db, log in try now.step(db, log) }
                try connection.checkpointIfDue()
                return next
            }
        }
        let done = work
        try lease.writer.perform { connection in
            try connection.transaction { db, _ in
                try done.finish(db)
                try Removing.removeUnusedShapes(db)
            }
        }
        while try lease.writer.perform({ connection in try Removing.sweepStep(connection) }) {}
        let isEmptied = try lease.writer.perform { connection in try connection.emptyLog() }
        let after = try self.session(numbered: session) ?? known
        return Redaction(
            session: after, frames: done.frames, sizeBefore: before, sizeAfter: size, isLogEmptied: isEmptied)
    }
}
