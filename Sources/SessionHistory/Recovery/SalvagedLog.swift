import GRDB
import PipelineEngine

/// One session being written into the new history.
final class SalvagedLog {
    private(set) var session: SalvagedSession
    private let log: SessionLog
    private let source = SalvagedEvents()
    private var repair = SequenceRepair()
    private var hash = EventsHash()
    /// The events of a row, held back until the next one shows whether their sequences are right.
    private var pending: [SalvagedRow] = []
    private var counts: [SalvagedRow.Loss: Int] = [:]
    private var corrected = 0
    private(set) var events: Int64 = 0

    init(_ session: SalvagedSession, log: SessionLog) {
        self.session = session
        self.log = log
    }

    var number: Int64 { log.session }

    /// Adds the events of a row.
    func add(_ row: [SalvagedRow]) {
        guard let next = row.first else { return }
        // One row that is out of step between two that are in step has a wrong sequence; else some are missing.
        if let first = pending.first, first.sequence != repair.last + 1,
            next.sequence == repair.last + 1 + Int64(pending.count)
        {
            renumberPending()
        }
        givePending()
        pending = row
    }

    private func renumberPending() {
        for index in pending.indices { pending[index].sequence = repair.last + 1 + Int64(index) }
        corrected += pending.count
    }

    private func givePending() {
        for event in pending { give(event) }
        pending = []
    }

    private func give(_ row: SalvagedRow) {
        var row = row
        if row.sequence <= repair.last {
            // It stands behind what should come after it: its place in the log is right, its sequence cannot be.
            row.sequence = repair.last + 1
            corrected += 1
        }
        for loss in row.losses { counts[loss, default: 0] += 1 }
        if row.id <= session.countedTo { row.add(to: &hash) }
        let sequence = repair.take(row.sequence)
        let subject = repair.sequence(row.subject)
        if row.subject > 0, subject == nil { counts[.subject, default: 0] += 1 }
        source.add(row.event(sequence: sequence, subject: subject ?? 0))
        log.didGather(bytes: 0, in: source)
        events += 1
    }

    func flush() async throws { try await log.flush(source) }

    /// Passes on what is left, says what is missing, and closes the session.
    func finish(in history: History) async throws -> RecoveryReport.Session {
        if let count = session.eventCount, let last = pending.last, last.sequence > count,
            repair.last + Int64(pending.count) <= count
        {
            renumberPending()
        }
        givePending()
        sayLosses()
        var findings = session.findings.map { finding in
            var finding = finding
            finding.sequence = finding.sequence.flatMap(repair.sequence)
            return finding
        }
        if !session.losses.isEmpty {
            findings.append(
                Finding(
                    sequence: nil, stage: nil, batch: nil, branch: nil,
                    kind: PipelineEngine.Finding.Kind.recordingIncomplete.rawValue, severity: .note,
                    detail: "recovered from a damaged history: " + session.losses.joined(separator: "; ")))
        }
        try await flush()
        if !findings.isEmpty { try history.add(findings, to: log.session) }
        let state = session.state == .recording ? .interrupted : session.state
        try await log.close(source, state: state, endedAt: session.endedAt ?? session.startedAt)
        return RecoveryReport.Session(
            session: log.session, uuid: log.uuid, name: session.name, events: events, losses: session.losses)
    }

    private func sayLosses() {
        func events(_ count: Int64, _ one: String, _ many: String) -> String {
            count == 1 ? "1 event \(one)" : "\(count) events \(many)"
        }
        func say(_ loss: SalvagedRow.Loss, _ one: String, _ many: String) {
            if let count = counts[loss] { session.losses.append(events(Int64(count), one, many)) }
        }
        if repair.lost > 0 {
            session.losses.append(
                events(repair.lost, "is lost", "are lost") + " (\(repair.words)); the others are numbered anew")
        }
        if let count = session.eventCount, count > repair.last {
            session.losses.append(events(count - repair.last, "at its end is lost", "at its end are lost"))
        }
        if corrected > 0 {
            session.losses.append(
                events(Int64(corrected), "had a wrong number, and has", "had wrong numbers, and have")
                    + " that of the place")
        }
        say(.frame, "has lost its frame", "have lost their frames")
        say(
            .frameDamaged, "has a frame whose content is damaged, and marked so",
            "have frames whose content is damaged, and marked so")
        say(.subject, "is about one that is lost", "are about ones that are lost")
        say(
            .time, "has lost its time, and has that of one before", "have lost their times, and have that of one before"
        )
        say(.note, "has lost its detail", "have lost their details")
        if let known = session.eventsHash, known != Int64(bitPattern: hash.value), session.losses.isEmpty {
            session.losses.append("one of its events is not as it was written; which one is not known")
        }
    }
}
