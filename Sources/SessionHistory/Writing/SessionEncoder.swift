import GRDB
import PipelineEngine

/// Turns the events of one session into rows of the log. Used by the writer's thread only.
final class SessionEncoder {
    let session: Int64
    let uuid: String
    /// What is kept of its frames.
    let mode: PayloadMode
    // `@exclusivity(unchecked)`: as in `ByteBuffer`.
    @exclusivity(unchecked) private(set) var counts = SessionCounts()
    @exclusivity(unchecked) private(set) var eventsHash = EventsHash()
    private let rows: RowPacker
    @exclusivity(unchecked) private var lastSequence: Int64 = 0
    @exclusivity(unchecked) private var sequences = SequenceMap()
    @exclusivity(unchecked) private var recentFrames = FrameWriter.Recent()
    /// By stage: the id of the EndFrame or StopFrame that its open batch is about.
    @exclusivity(unchecked) private var ending: [Int: Int64] = [:]

    // What the session's row says.
    var storedCounts = SessionCounts()

    init(session: Int64, uuid: String, keeping mode: PayloadMode, from event: Int64) {
        self.session = session
        self.uuid = uuid
        self.mode = mode
        rows = RowPacker(session: session, from: event)
    }

    /// Appends events, which follow those appended before without a gap.
    ///
    /// - Throws: `HistoryError` when they cannot be what they claim to be; SQLite's failures.
    func append(_ events: [SessionEvent], to log: LogTables, _ db: Database) throws {
        let bytesBefore = log.frames.bytesWritten
        // Through pointers: copying an event costs as much as storing it.
        try events.withUnsafeBufferPointer { events in
            guard let first = events.baseAddress else { return }
            do {
                for index in 0..<events.count { try append(first + index, to: log, db) }
            } catch let error as HistoryError {
                // One of them cannot be; those before it are kept. After any other failure, the transaction is over.
                try rows.rest(log)
                throw error
            }
            try rows.rest(log)
        }
        counts.bytes += Int64(log.frames.bytesWritten - bytesBefore) + Int64(events.count) * 40
    }

    @inline(__always)
    private func append(_ event: UnsafePointer<SessionEvent>, to log: LogTables, _ db: Database) throws {
        guard event.pointee.sequence == lastSequence + 1 else {
            throw invalid(event.pointee.sequence, "follows event \(lastSequence); sequences run from 1 without gaps")
        }
        guard event.pointee.stage >= -1, event.pointee.stage <= EventCode.maxStage, event.pointee.branch >= -1,
            event.pointee.branch <= EventCode.maxBranch
        else {
            throw invalid(
                event.pointee.sequence,
                "is at stage \(event.pointee.stage), branch \(event.pointee.branch); a history numbers stages to \(EventCode.maxStage), "
                    + "branches to \(EventCode.maxBranch)")
        }
        guard SessionEvent.times.contains(event.pointee.time) else {
            throw invalid(event.pointee.sequence, "is at \(event.pointee.time) ns, which is no time")
        }
        let id = rows.nextID(log)
        var subject: Int64?
        if event.pointee.subject > 0 {
            subject = try locate(event.pointee.subject, of: event.pointee.sequence, log, db)
        }

        let content = log.frames.bytesWritten
        var frameRow: Int64?
        var frameMark: UInt64 = 0
        var isLast = false
        if let parcel = event.pointee.parcel, subject == nil || !event.pointee.kind.takesFrameFromSubject {
            let written = try log.frames.write(parcel, keeping: mode, recent: &recentFrames, db)
            frameRow = written.row
            frameMark = written.mark
            if written.endsBatch { isLast = noteEnding(parcel.id, event.pointee.kind, event.pointee.stage) }
        }
        let code = EventCode(
            kind: event.pointee.kind, direction: event.pointee.direction, outcome: event.pointee.outcome,
            isLast: isLast, stage: event.pointee.stage,
            branch: event.pointee.branch)
        // Emission and position share a column, since no event has both.
        let place =
            event.pointee.kind == .output || event.pointee.kind == .late
            ? event.pointee.emission : event.pointee.position

        let entry = EventRun.Entry(
            id: id, time: event.pointee.time, code: code, batch: max(0, event.pointee.batch),
            place: Int64(max(-1, place)), arrival: Int64(max(-1, event.pointee.arrival)), subject: subject ?? 0,
            frame: frameRow ?? 0, sequence: event.pointee.sequence, content: log.frames.bytesWritten - content)
        let hasNote = event.pointee.detail != nil || event.pointee.processor != nil
        try rows.add(entry, event.pointee.kind, isAlone: hasNote, to: log, db)

        eventsHash.add(
            sequence: event.pointee.sequence, time: entry.time, code: code.rawValue, batch: entry.batch,
            place: entry.place, arrival: entry.arrival, subject: max(0, event.pointee.subject), frame: frameMark)
        if hasNote {
            let detail = mode.keepsWords ? event.pointee.detail : event.pointee.wordlessDetail
            if detail != nil || event.pointee.processor != nil {
                try log.addNote(id, event.pointee.processor, detail, to: &eventsHash)
            }
        }
        if event.pointee.kind == .drop, let subject { try log.addDropped(subject) }
        lastSequence = event.pointee.sequence
        sequences.add(sequence: event.pointee.sequence, event: id)
        counts.add(event.pointee.kind, time: event.pointee.time)
    }

    /// Remembers which frame a stage's batch ends with, and says whether an output is a copy of it.
    private func noteEnding(_ frameID: Int64, _ kind: SessionEvent.Kind, _ stage: Int) -> Bool {
        switch kind {
        case .inbound: ending[stage] = frameID
        case .output, .late: return ending[stage] == frameID
        default: break
        }
        return false
    }

    /// The log id of an earlier event of this session.
    private func locate(_ subject: Int64, of sequence: Int64, _ log: LogTables, _ db: Database) throws -> Int64 {
        guard subject < sequence else {
            throw invalid(sequence, "is about event \(subject), which is not before it")
        }
        if let event = sequences.event(subject) { return event }
        // It is older than what is kept in memory, as when a batch stays open for long.
        let event = try Int64.fetchOne(
            db,
            sql: """
                SELECT e.id + ?2 - e.seq FROM extent AS x CROSS JOIN event AS e
                WHERE x.session = ?1 AND x.first_seq <= ?2 AND e.id BETWEEN x.first_event AND x.last_event
                    AND e.session = ?1 AND ?2 BETWEEN e.seq AND e.seq + \(EventCode.further(inSQL: "e.code"))
                """, arguments: [session, subject])
        guard let event else { throw invalid(sequence, "is about event \(subject), which is not in the history") }
        return event
    }

    private func invalid(_ sequence: Int64, _ what: String) -> HistoryError {
        HistoryError(.invalidEvent, "session \(uuid): event \(sequence) \(what)")
    }

    // MARK: - The session's own rows

    var extents: ExtentTracker { rows.extents }
    func takeEndedExtents() -> [ExtentTracker.Extent] { rows.extents.takeEnded() }
    func takeAllExtents() -> [ExtentTracker.Extent] { rows.extents.takeAll() }
}

extension SessionEvent.Kind {
    /// Whether an event of this kind that has a subject is about the subject's frame, as it is there.
    var takesFrameFromSubject: Bool { self == .release || self == .duplicate || self == .drop }
}

extension SessionEvent {
    /// The detail without anything that a processor or whoever named a frame has said.
    var wordlessDetail: String? {
        guard kind != .error, let detail else { return nil }
        if let frame, !frame.header.hasOrdinaryName(frame.type) { return nil }
        return detail.hasPrefix("id collision:") ? "id collision: two different frames of one id" : detail
    }
}
