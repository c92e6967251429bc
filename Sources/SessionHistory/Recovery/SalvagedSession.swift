import GRDB
import PipelineEngine
import Synchronization

/// What the damaged history says of one session.
struct SalvagedSession {
    var number: Int64
    var uuid: String?
    var name: String?
    var source: String?
    var state: SessionState = .interrupted
    var startedAt: String?
    var endedAt: String?
    var isImport = false
    var payload = PayloadMode.full
    /// How many events it had when it was closed; nil if that is not known.
    var eventCount: Int64?
    var countedTo: Int64 = 0
    var eventsHash: Int64?
    var definition: SessionDefinition?
    var findings: [Finding] = []
    var losses: [String] = []

    /// Of a session whose row is lost.
    init(number: Int64) {
        self.number = number
        losses.append("its row is lost: its uuid, name and times are new")
    }

    static let columns = """
        session, uuid, name, source, state, started_at, ended_at, imported, payload, events, counted_to, events_hash, seal,
        stages, findings
        """

    /// Reads its row, and what else is said of it besides its events.
    init(_ row: StoredRow, _ db: Database) throws {
        number = try row.integer(0)
        func read<Value>(_ what: String, _ body: () throws -> Value?) -> Value? {
            do { return try body() } catch {
                losses.append("its \(what) cannot be read")
                return nil
            }
        }
        uuid = read("uuid") { try row.text(1) }
        name = read("name") { try row.optionalText(2) }
        source = read("source") { try row.optionalText(3) }
        let state = read("state") { SessionState(rawValue: try row.text(4)) }
        self.state = state ?? .interrupted
        startedAt = read("start") { try row.text(5) }
        endedAt = read("end") { try row.optionalText(6) }
        isImport = (try? row.integer(7)) == 1
        payload = read("payload mode") { PayloadMode(rawValue: try row.text(8)) } ?? .full
        if state != .recording { eventCount = try? row.integer(9) }
        countedTo = (try? row.integer(10)) ?? 0
        eventsHash = try? row.optionalInteger(11)
        let seal = try? row.optionalInteger(12)
        let number = number
        definition = read("stages and branches") { try SessionDefinition(of: number, db) }
        findings = read("findings") { try Finding.stored(of: number, db) } ?? []
        if let stages = try? row.int(13), let definition, definition.stages.count < stages {
            losses.append("\(stages - definition.stages.count) of its stages are lost")
        }
        if let count = try? row.int(14), findings.count < count {
            losses.append("\(count - findings.count) of its findings are lost")
        }
        if let seal, (try? SessionSeal.compute(number, db)) != seal, losses.isEmpty {
            losses.append("its name, times, counts, stages, branches or findings are not as when it was closed")
        }
    }
}

/// The events of one session on their way from a damaged history into a new one: numbered anew where some are lost.
struct SequenceRepair {
    /// Sequences of the old history that are lost, and how many in all before each.
    private var gaps: [(range: ClosedRange<Int64>, before: Int64)] = []
    private(set) var lost: Int64 = 0
    /// The last sequence of the old history that was passed on.
    private(set) var last: Int64 = 0

    /// Takes the event of the next sequence there is; what lies between is lost.
    mutating func take(_ sequence: Int64) -> Int64 {
        if sequence > last + 1 {
            gaps.append((last + 1...sequence - 1, lost))
            lost += sequence - 1 - last
        }
        last = sequence
        return sequence - lost
    }

    /// The new sequence of an event that was taken; nil if it was lost.
    func sequence(_ old: Int64) -> Int64? {
        guard old >= 1, old <= last else { return nil }
        var before: Int64 = 0
        for gap in gaps.reversed() where gap.range.lowerBound <= old {
            if gap.range.contains(old) { return nil }
            before = gap.before + Int64(gap.range.count)
            break
        }
        return old - before
    }

    /// `5 to 9, 12` of what is lost, the first few.
    var words: String {
        let shown = gaps.prefix(5).map { gap in
            gap.range.count == 1 ? "\(gap.range.lowerBound)" : "\(gap.range.lowerBound) to \(gap.range.upperBound)"
        }
        return shown.joined(separator: ", ") + (gaps.count > 5 ? " and others" : "")
    }
}

/// Events for the new history's writer.
final class SalvagedEvents: EventSource {
    private let waiting = Mutex<[SessionEvent]>([])

    func add(_ event: SessionEvent) { waiting.withLock { $0.append(event) } }

    func takeEvents(into events: inout [SessionEvent]) -> Int {
        events.removeAll(keepingCapacity: true)
        waiting.withLock { swap(&$0, &events) }
        return 0
    }

    func didFail(_ error: HistoryError) {}
}
