import PipelineEngine

/// The events of a batch from its first on, as long as all may become part of one row of the log: the next ones of the session, of
/// one stage, about each other, with frames that came with them.
struct GatheredBatch {
    /// Batches may share rows whose first frame has 256 bytes of content and was not there before: a piece of audio, an image. Those
    /// of small frames have a row for each event, which views take apart in half the time; SQLite writes them faster than they come.
    static let leastContent = 256 + FrameWriter.bytesBesides

    private(set) var entries: [EventRun.Entry] = []
    /// Bytes of frames that were stored with them.
    private(set) var content = 0
    private var nextFrame: Int64 = 0
    /// By how much later than the first each of the batch's steps is, but for the first.
    private(set) var steps: [Int64] = []

    init() {
        entries.reserveCapacity(BatchPattern.maxEvents)
        steps.reserveCapacity(BatchPattern.maxEvents)
    }

    var isOpen: Bool { !entries.isEmpty }

    /// Which batches may share rows.
    @inline(__always)
    static func mayBegin(with first: EventRun.Entry, _ kind: SessionEvent.Kind) -> Bool {
        kind == .inbound && first.content >= leastContent && first.content < RowPacker.maxContent && first.batch > 0
            && first.subject == 0
    }

    @inline(__always)
    mutating func begin(with first: EventRun.Entry) {
        nextFrame = first.frame
        add(first)
    }

    /// Whether the next event of the session belongs to it.
    @inline(__always)
    func mayGoOn(with next: EventRun.Entry, _ kind: SessionEvent.Kind) -> Bool {
        guard let first = entries.first, next.batch == first.batch, next.code.stage == first.code.stage,
            entries.count < BatchPattern.maxEvents
        else { return false }
        switch kind {
        case .output, .sync, .release, .duplicate, .close: break
        default: return false
        }
        // Views look for what came in by the row that begins with it.
        if next.subject != 0 {
            let index = next.subject - first.id
            guard index > 0, index < entries.count else { return false }
        }
        if next.frame == 0 { return true }
        return next.content > 0
            ? next.frame == nextFrame && content + next.content < RowPacker.maxContent
            : next.frame >= first.frame && next.frame < nextFrame
    }

    @inline(__always)
    mutating func add(_ entry: EventRun.Entry) {
        if let last = entries.last, entry.time != last.time { steps.append(entry.time - entries[0].time) }
        if entry.content > 0 { nextFrame += 1 }
        content += entry.content
        entries.append(entry)
    }

    mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        steps.removeAll(keepingCapacity: true)
        content = 0
    }

    // MARK: - What it goes like

    /// How many frames came with it.
    var frames: Int64 { nextFrame - entries[0].frame }

    @inline(__always)
    private func event(_ index: Int, step: Int64) -> BatchPattern.Event {
        let entry = entries[index]
        return BatchPattern.Event(
            code: entry.code, place: entry.place, arrival: entry.arrival,
            subject: entry.subject == 0 ? 0 : entry.id - entry.subject,
            frame: entry.frame == 0 ? -1 : entry.frame - entries[0].frame, step: step)
    }

    var pattern: BatchPattern {
        var step: Int64 = 0
        return BatchPattern(
            events: entries.indices.map { index in
                if index > 0, entries[index].time != entries[index - 1].time { step += 1 }
                return event(index, step: step)
            })
    }

    /// Whether it went like that one.
    func went(like pattern: PatternCatalogue.Stored) -> Bool {
        guard pattern.events.count == entries.count else { return false }
        var step: Int64 = 0
        for index in entries.indices {
            if index > 0, entries[index].time != entries[index - 1].time { step += 1 }
            guard event(index, step: step) == pattern.events[index] else { return false }
        }
        return true
    }
}
