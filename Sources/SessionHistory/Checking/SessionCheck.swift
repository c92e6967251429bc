import GRDB
import PipelineEngine

/// Reads all events of one session and compares them with what its row says of them.
struct SessionCheck {
    let session: Int64
    /// Frames known to be damaged.
    let damagedFrames: Set<Int64>
    private(set) var events: Int64 = 0
    /// Outputs that were dropped.
    private(set) var dropped: Set<Int64> = []

    private struct Stored {
        var state: String
        var counts: SessionCounts
        var countedTo: Int64
        var hash: Int64?
        var seal: Int64?
        var stages: Int64
        var findings: Int64
    }

    init(_ session: Int64, damagedFrames: Set<Int64>) {
        self.session = session
        self.damagedFrames = damagedFrames
    }

    mutating func run(_ db: Database, _ found: inout Verification) throws {
        guard let stored = try stored(db) else { return }
        let isOpen = stored.state == SessionState.recording.rawValue
        var counts = SessionCounts()
        var hash = EventsHash()
        var hashedTo: Int64 = 0
        var due: Int64 = 1
        var end: Int64 = 0
        for extent in try extents(db) {
            if extent.first <= end {
                found.add(.sequence, session: session, "its extents overlap at event row \(extent.first)")
            }
            if extent.firstSequence != due {
                found.add(
                    .sequence, session: session, sequence: due,
                    "an extent begins at event \(extent.firstSequence) where event \(due) is due")
            }
            end = extent.last
            try LoggedEvent.forEach(of: session, from: extent.first, to: extent.last, db) { event in
                events += 1
                if event.sequence != due {
                    found.add(
                        .sequence, session: session, sequence: event.sequence,
                        event.sequence > due
                            ? "events \(due) to \(event.sequence - 1) are missing"
                            : "event \(event.sequence) stands where event \(due) is due")
                }
                due = max(due, event.sequence) &+ 1
                try check(event, in: extent, db, &found)
                if let kind = event.code.kind { counts.add(kind, time: event.time) }
                if event.id <= stored.countedTo {
                    event.add(to: &hash)
                    hashedTo = event.id
                }
            }
        }
        if let known = stored.hash, known != Int64(bitPattern: hash.value) {
            found.add(.events, session: session, "its events up to row \(hashedTo) are not those that were hashed")
        }
        if isOpen { return }
        counts.bytes = stored.counts.bytes
        if counts != stored.counts {
            found.add(
                .events, session: session,
                "it has \(counts.events) events, \(counts.released) released frames; when it closed it had "
                    + "\(stored.counts.events) and \(stored.counts.released)")
        }
        if stored.hash == nil {
            found.remarks.append("a redaction of session \(session) was not finished: run it again")
        } else if try stored.seal != SessionSeal.compute(session, db) {
            found.add(
                .seal, session: session,
                "its name, times, counts, stages, branches, findings or extents are not as when it was closed")
        }
    }

    private mutating func check(
        _ event: LoggedEvent, in extent: Extent, _ db: Database, _ found: inout Verification
    ) throws {
        func add(_ kind: Verification.Problem.Kind, _ what: String) {
            found.add(kind, session: session, sequence: event.sequence, "event \(event.sequence) \(what)")
        }
        guard let kind = event.code.kind, event.hasWholeRow else {
            return add(.structure, "is of no kind that there is, or is in a row that does not say what its events are")
        }
        if let subject = event.subject {
            if event.subjectSession != session || event.subjectSequence.map({ $0 >= event.sequence }) ?? true {
                add(.reference, "is about another event that is not there")
            }
            if kind == .drop {
                dropped.insert(subject)
                let isNoted = try db.firstRow("SELECT 1 FROM dropped_output WHERE output = ?", [subject]) {
                    try $0.integer(0)
                }
                if isNoted == nil { add(.reference, "is about an output that is not noted as dropped") }
            }
        }
        if let frame = event.frame {
            if event.frameMark == nil {
                add(.reference, "has a frame that is not there")
            } else if damagedFrames.contains(frame) {
                add(.frame, "has a frame whose content is not what was written")
            }
        }
        if let batch = event.batch, batch < extent.minBatch || batch > extent.maxBatch {
            add(.sequence, "is of batch \(batch), which its extent does not say")
        }
    }

    private func stored(_ db: Database) throws -> Stored? {
        try db.firstRow(
            """
            SELECT \(SessionCounts.columns), state, counted_to, events_hash, seal, stages, findings
            FROM session WHERE session = ?
            """, [session]
        ) { row in
            let next = SessionCounts.columnCount
            return Stored(
                state: try row.text(next), counts: try SessionCounts(row), countedTo: try row.integer(next + 1),
                hash: try row.optionalInteger(next + 2), seal: try row.optionalInteger(next + 3),
                stages: try row.integer(next + 4), findings: try row.integer(next + 5))
        }
    }

    private struct Extent {
        var first: Int64
        var last: Int64
        var firstSequence: Int64
        var minBatch: Int64
        var maxBatch: Int64
    }

    private func extents(_ db: Database) throws -> [Extent] {
        try db.rows(
            """
            SELECT first_event, last_event, first_seq, min_batch, max_batch FROM extent WHERE session = ? ORDER BY first_event
            """, [session]
        ) { row in
            Extent(
                first: try row.integer(0), last: try row.integer(1), firstSequence: try row.integer(2),
                minBatch: try row.integer(3), maxBatch: try row.integer(4))
        }
    }
}
