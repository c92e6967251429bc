import PipelineEngine
import Replay
import SessionHistory

/// Reruns the newest session of a history.
struct ReplayCase {
    var history: String
    /// Whether the run is kept in the history.
    var isKept = true

    func run() async throws {
        let history = try History.open(at: history, for: isKept ? .writing : .reading)
        let session = try history.session("last").session
        let start = monotonicTime()
        let result = try await SessionReplay(history, session: session).run(.recorded, isKept: isKept)
        let elapsed = seconds(since: start)
        guard result.verdict == .same else { throw Failure("the replay differs from the recording") }
        report("frames_per_s", Double(result.stages.reduce(0) { $0 + $1.batches }) / elapsed)
        report("cpu_s", OwnUsage.cpuSeconds)
        report("rss_mb", OwnUsage.peakMB)
    }
}

/// Compares ARRIVAL and PIPELINE of the newest session of a history.
struct DiffCase {
    var history: String

    func run() throws {
        let history = try History.open(at: history)
        let diff = try SessionDiff(history, session: history.session("last").session)
        let start = monotonicTime()
        var batches: Int64 = 0
        for stage in diff.stages {
            batches += try diff.compare(stage: stage.number) { _ in true }.batches
        }
        report("frames_per_s", Double(batches) / seconds(since: start))
        report("cpu_s", OwnUsage.cpuSeconds)
        report("rss_mb", OwnUsage.peakMB)
    }
}
