import Foundation
import GRDB

/// Writes what many sessions have in one transaction. Used by the writer's thread only.
struct GroupCommit {
    private static let countsInterval: UInt64 = 1_000_000_000

    private let connection: WritingConnection
    private let options: WriterOptions
    /// Sessions whose row does not have their latest counts, and when it will.
    private var uncounted: [Int64: SessionLog] = [:]
    private var countsDue: UInt64 = 0

    init(_ connection: WritingConnection, _ options: WriterOptions) {
        self.connection = connection
        self.options = options
    }

    /// Commits all that these sessions have, in as many transactions as keep each short.
    mutating func commit(_ ready: [ReadySession]) {
        var rest = ready[...]
        while !rest.isEmpty {
            options.throttle?.run()
            var taken: [ReadySession] = []
            do {
                try connection.makeRoomInLog()
                try connection.transaction { db, log in
                    var events = 0
                    while events < options.groupEvents, let session = rest.first {
                        rest.removeFirst()
                        taken.append(session)
                        events += try session.log.appendPending(of: session.source, to: log, db)
                    }
                    for session in taken where !session.log.isOver && session.log.isExtentDue(log.events.nextID) {
                        try session.log.storeExtents(db, log)
                    }
                    if now >= countsDue {
                        // Not of a session that was closed meanwhile: its row is final, and sealed.
                        for session in taken where !session.log.isOver { try session.log.storeCounts(db, log) }
                        for session in uncounted.values where !session.isOver { try session.storeCounts(db, log) }
                    }
                }
                noteCounts(taken)
                for session in taken { session.log.didCommit(session.source) }
            } catch {
                let failure = HistoryError(error, path: connection.path, doing: "cannot write to")
                if taken.isEmpty {
                    // The turn was not to be had, or the transaction could not begin: nothing is lost that was not
                    // waiting already, but these sessions have waited as long as they are ready to.
                    taken = Array(rest)
                    rest = []
                }
                for session in taken {
                    uncounted[session.log.session] = nil
                    session.log.fail(failure, session.source)
                }
            }
        }
    }

    private var now: UInt64 { DispatchTime.now().uptimeNanoseconds }

    private mutating func noteCounts(_ taken: [ReadySession]) {
        let now = now
        if now >= countsDue {
            uncounted = [:]
            countsDue = now + Self.countsInterval
        } else {
            for session in taken { uncounted[session.log.session] = session.log }
        }
    }

    /// How long until counts are to be stored; nil if none are.
    func restTime(_ now: UInt64) -> UInt64? {
        if uncounted.isEmpty { return nil }
        return countsDue > now ? countsDue - now : 0
    }

    mutating func storeCountsIfDue() {
        guard !uncounted.isEmpty, now >= countsDue else { return }
        let sessions = Array(uncounted.values)
        uncounted = [:]
        countsDue = now + Self.countsInterval
        // They are stored with the next events, or when the session closes, if it does not work now.
        try? connection.transaction { db, log in
            for session in sessions where !session.isOver { try session.storeCounts(db, log) }
        }
    }

    /// - Returns: how long the first event of the next group is to wait for others, in ns.
    func checkpoint(telling sessions: [ReadySession]) -> UInt64 {
        // What fails here fails at the next commit as well, which says so.
        try? connection.checkpointIfDue()
        if let notice = connection.logGrowthNotice() {
            for session in sessions { session.source.didNotice(notice) }
        }
        return connection.isLogHeld ? options.heldGroupWindow : options.groupWindow
    }
}
