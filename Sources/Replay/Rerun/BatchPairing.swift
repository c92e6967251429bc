internal import PipelineEngine

/// Puts the batches of a rerun beside those of the recording. Told of the rerun's events as its observer, of the recorded ones
/// by `record`.
///
/// The rerun counts its batches from 1, while a recording may begin in the middle: the batches correspond in the order in
/// which their frames go in.
///
/// `@unchecked Sendable`: confined to the session's executor, where observers are called and `StageRerun` runs.
final class BatchPairing: SessionObserver, @unchecked Sendable {
    private let stage: Int
    private var recorded = BatchAssembler()
    private var rerun = BatchAssembler()
    /// The recorded numbers of batches sent in and not yet accepted.
    private var expected: [Int64] = []
    /// The recorded number of the rerun's latest batch, by its number there.
    private var latest: (rerun: Int64, recorded: Int64)?
    /// Those that ended on one side only so far, by recorded number.
    private var endedRecorded: [Int64: RecordedBatch] = [:]
    private var endedRerun: [Int64: RecordedBatch] = [:]
    private var ended: [StageRerun.Batch] = []
    private(set) var hasOpenBatch = false
    /// The rerun's outputs that were dropped.
    private(set) var drops = 0

    init(stage: Int) { self.stage = stage }

    /// The frame sent next opens this recorded batch.
    func expect(_ batch: Int64) { expected.append(batch) }

    func observe(_ event: SessionEvent) {
        guard event.stage == 0 else { return }
        if event.kind == .inbound {
            hasOpenBatch = true
            if !expected.isEmpty { latest = (event.batch, expected.removeFirst()) }
        }
        if event.kind == .drop, event.subject != 0 { drops += 1 }
        if event.outcome != nil { hasOpenBatch = false }
        for batch in rerun.add(event) {
            guard let latest, latest.rerun == batch.batch else { continue }
            var batch = batch
            batch.stage = stage
            batch.batch = latest.recorded
            if let recorded = endedRecorded.removeValue(forKey: batch.batch) {
                ended.append(StageRerun.Batch(recorded: recorded, rerun: batch))
            } else {
                endedRerun[batch.batch] = batch
            }
        }
    }

    /// Takes the next recorded event; returns the batches that have now ended on both sides.
    func record(_ event: SessionEvent) -> [StageRerun.Batch] {
        for batch in recorded.add(event) {
            if let rerun = endedRerun.removeValue(forKey: batch.batch) {
                ended.append(StageRerun.Batch(recorded: batch, rerun: rerun))
            } else if batch.inbound == nil {
                ended.append(StageRerun.Batch(recorded: batch, rerun: nil))
            } else {
                endedRecorded[batch.batch] = batch
            }
        }
        return takeEnded()
    }

    /// The batches that have ended on both sides since the last call.
    func takeEnded() -> [StageRerun.Batch] {
        defer { ended.removeAll(keepingCapacity: true) }
        return ended
    }

    /// What ended on one side only, or on none: at the end of the recording.
    func takeRest() -> [StageRerun.Batch] {
        var rest = takeEnded()
        rest += endedRecorded.values.map { StageRerun.Batch(recorded: $0, rerun: nil) }
        rest += recorded.unfinished().map { StageRerun.Batch(recorded: $0, rerun: endedRerun[$0.batch]) }
        endedRecorded.removeAll()
        endedRerun.removeAll()
        return rest.sorted { $0.recorded.batch < $1.recorded.batch }
    }
}
