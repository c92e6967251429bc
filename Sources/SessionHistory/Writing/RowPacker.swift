import GRDB
import PipelineEngine

/// Lays the events of one session out as rows of the log, of which each holds as many as are alike: batches that go like one another,
/// or runs of outputs or releases. Used by the writer's thread only.
final class RowPacker {
    /// Readers take a row's frames at once: no more than this, in bytes.
    static let maxContent = 1 << 20

    private enum Form { case none, single, run, batches }

    private let session: Int64
    // `@exclusivity(unchecked)`: as in `ByteBuffer`.
    @exclusivity(unchecked) var extents: ExtentTracker
    @exclusivity(unchecked) private var gathered = GatheredBatch()
    /// What the last batch went like.
    @exclusivity(unchecked) private var pattern: PatternCatalogue.Stored?

    // The row made last, to which more may be added as long as it is the last of the log: in later commits, too, so that a session
    // which is recorded while it happens takes no more space than another.
    @exclusivity(unchecked) private var form = Form.none
    @exclusivity(unchecked) private var run = EventRun()
    @exclusivity(unchecked) private var first = EventRun().last
    @exclusivity(unchecked) private var further: Int64 = 0
    @exclusivity(unchecked) private var repetitions: Int64 = 0
    @exclusivity(unchecked) private var content = 0
    /// The row's code as it is to be.
    @exclusivity(unchecked) private var code = EventCode(rawValue: 0)
    /// By how much later than the row its events are, as in `EventTimes`.
    @exclusivity(unchecked) private var times: [Int64] = []
    @exclusivity(unchecked) private var isTimed = false
    /// Whether it was handed to the log by an earlier call, and whether it has grown since.
    @exclusivity(unchecked) private var isStored = true
    @exclusivity(unchecked) private var hasGrown = false

    init(session: Int64, from event: Int64) {
        self.session = session
        extents = ExtentTracker(from: event)
        times.reserveCapacity(BatchPattern.maxEvents)
    }

    /// The id that the session's next event gets.
    @inline(__always)
    func nextID(_ log: LogTables) -> Int64 { log.events.nextID + Int64(gathered.entries.count) }

    /// Adds the next event.
    ///
    /// - Parameters:
    ///   - entry: its id is `nextID`.
    ///   - isAlone: nothing else may be in its row, since what it says besides belongs to the row.
    @inline(__always)
    func add(
        _ entry: EventRun.Entry, _ kind: SessionEvent.Kind, isAlone: Bool, to log: LogTables, _ db: Database
    ) throws {
        if gathered.isOpen {
            if !isAlone, gathered.mayGoOn(with: entry, kind) {
                gathered.add(entry)
                if entry.code.outcome != nil { try endBatch(log, db) }
                return
            }
            try giveUpBatch(log)
        }
        if !isAlone, GatheredBatch.mayBegin(with: entry, kind) {
            gathered.begin(with: entry)
            if entry.code.outcome != nil { try giveUpBatch(log) }
            return
        }
        try addSingle(entry, kind, isAlone: isAlone, log)
    }

    /// Writes what was held back: nothing waits for what comes later.
    func rest(_ log: LogTables) throws {
        if gathered.isOpen { try giveUpBatch(log) }
        try settleRow(log)
    }

    // MARK: - Batches

    private func endBatch(_ log: LogTables, _ db: Database) throws {
        if let pattern, gathered.went(like: pattern) { return try addBatch(pattern, log) }
        guard let stored = try log.patterns.pattern(gathered.pattern, db) else { return try giveUpBatch(log) }
        pattern = stored
        try addBatch(stored, log)
    }

    private func addBatch(_ pattern: PatternCatalogue.Stored, _ log: LogTables) throws {
        let begin = gathered.entries[0]
        let count = Int64(pattern.events.count)
        let isContinued = isContinued(by: begin, count, pattern)
        if isContinued {
            repetitions += 1
            content += gathered.content
            addTimesOfBatch()
            grow(by: count, to: begin.code.batches(further: further + count), log)
        } else {
            var row = begin
            row.place = pattern.number
            row.arrival = count
            row.subject = pattern.frames
            try openRow(.batches, row, log)
            content = gathered.content
            addTimesOfBatch()
            code = begin.code.batches(further: count - 1).timed(isTimed)
            try write(row, log)
            further = count - 1
            log.events.takeIDs(further)
        }
        for (index, entry) in gathered.entries.enumerated() {
            extents.add(
                event: entry.id, sequence: entry.sequence, batch: entry.batch,
                continuesRow: index > 0 || isContinued)
        }
        gathered.removeAll()
    }

    /// Whether the batch gathered is one more repetition of the row made last.
    private func isContinued(by begin: EventRun.Entry, _ count: Int64, _ pattern: PatternCatalogue.Stored) -> Bool {
        guard form == .batches, first.place == pattern.number, further + count <= EventCode.maxFurther,
            content + gathered.content < Self.maxContent
        else { return false }
        return begin.id == first.id + further + 1 && begin.batch == first.batch + repetitions
            && begin.frame == first.frame + repetitions * pattern.frames
    }

    private func addTimesOfBatch() {
        let delay = gathered.entries[0].time - first.time
        times.append(delay)
        times.append(contentsOf: gathered.steps)
        if delay != 0 || !gathered.steps.isEmpty { isTimed = true }
    }

    /// The batch went like no other, or did not end.
    private func giveUpBatch(_ log: LogTables) throws {
        for entry in gathered.entries { try addSingle(entry, entry.code.kind ?? .close, isAlone: false, log) }
        gathered.removeAll()
    }

    // MARK: - Single events and runs

    @inline(__always)
    private func addSingle(
        _ entry: EventRun.Entry, _ kind: SessionEvent.Kind, isAlone: Bool, _ log: LogTables
    ) throws {
        // A frame that was stored before is not counted: it begins a row.
        let isContinued =
            form == .run && run.isContinued(by: entry) && !isAlone && (entry.frame == 0 || entry.content > 0)
            && content + entry.content < Self.maxContent
        if isContinued {
            run.append(entry)
            content += entry.content
            let delay = entry.time - first.time
            times.append(delay)
            if delay != 0 { isTimed = true }
            grow(by: 1, to: run.code, log)
        } else {
            // Nothing else comes in runs, and nothing continues the end of a batch.
            let mayGoOn = (kind == .output || kind == .release) && entry.code.outcome == nil
            try openRow(mayGoOn ? .run : .single, entry, log)
            if mayGoOn { run = EventRun(entry) }
            code = entry.code
            try write(entry, log)
        }
        extents.add(
            event: entry.id, sequence: entry.sequence, batch: entry.batch, continuesRow: isContinued)
    }

    // MARK: - The row made last

    private func openRow(_ form: Form, _ first: EventRun.Entry, _ log: LogTables) throws {
        try settleRow(log)
        self.form = form
        self.first = first
        further = 0
        repetitions = 1
        content = first.content
        times.removeAll(keepingCapacity: true)
        if form == .run { times.append(0) }
        isTimed = false
        isStored = false
    }

    /// Gives the row so many events more.
    @inline(__always)
    private func grow(by count: Int64, to code: EventCode, _ log: LogTables) {
        further += count
        self.code = code.timed(isTimed)
        log.events.takeIDs(count)
        if !isStored, let cells = log.events.lastRow {
            cells[3] = .integer(self.code.rawValue)
        } else {
            hasGrown = true
        }
    }

    private func write(_ row: EventRun.Entry, _ log: LogTables) throws {
        let cells = try log.events.row()
        cells[0] = .integer(session)
        cells[1] = .integer(row.sequence)
        cells[2] = .integer(row.time)
        cells[3] = .integer(code.rawValue)
        cells[4] = row.batch > 0 ? .integer(row.batch) : .null
        cells[5] = row.place >= 0 ? .integer(row.place) : .null
        cells[6] = row.arrival >= 0 ? .integer(row.arrival) : .null
        cells[7] = row.subject > 0 ? .integer(row.subject) : .null
        cells[8] = row.frame > 0 ? .integer(row.frame) : .null
    }

    /// Has the log say all that the row is.
    private func settleRow(_ log: LogTables) throws {
        defer { (isStored, hasGrown) = (true, false) }
        if isStored, !hasGrown { return }
        if hasGrown { try log.setCode(code, of: first.id) }
        if isTimed { try log.setTimes(EventTimes(times, steps: stepsOfRow), of: first.id, isNew: !hasGrown) }
    }

    private var stepsOfRow: Int { form == .batches ? times.count / Int(repetitions) : 1 }
}
