import PipelineEngine

/// A frame that left a stage with a batch, and what is known about its way.
struct ReleaseSighting: Sendable {
    enum Origin: Sendable, Hashable {
        /// An output of this batch, made before its branch gave the SyncFrame back.
        case own
        /// Made after its branch had given the SyncFrame back, or before the batch began.
        case late
        /// An output of an earlier batch, which was interrupted.
        case interrupted(Int64)
        /// An output of an earlier batch.
        case earlier(Int64)
        /// Its way into the stage is not in the recording.
        case unknown
    }

    var stage: StageLabel
    var batch: Int64
    var sequence: Int64
    var frame: String
    var type: FrameType
    var direction: FrameDirection
    var branch: Int
    var origin: Origin
    /// Whether it is a copy of a system frame that had passed already.
    var isCopy: Bool
    /// Whether it is a SyncFrame that another stage did not send.
    var isOwnSync: Bool
    /// Whether the EndFrame had left before.
    var isBehindEnd: Bool
    /// How long it was kept back, in ns, where that is known.
    var held: Int64?
}

extension ReleaseSighting {
    var findings: [Finding] {
        var findings: [Finding] = []
        if let finding = wayFinding { findings.append(finding) }
        if isBehindEnd, type.frameClass.isSynchronized, !type.isKind(of: .end) {
            findings.append(
                finding(
                    .outputAfterEnd, .error,
                    "\(frame) left \(stage.name) behind the EndFrame, when what follows was already shut down; push "
                        + "what is left on something that comes before the EndFrame"))
        }
        return findings
    }

    /// The finding about the frame's way, if there was something wrong with it.
    private var wayFinding: Finding? {
        let isSystem = !type.frameClass.isSynchronized
        if type.isKind(of: .start) {
            return finding(
                .startFrameAnomaly, .error,
                "\(frame) left \(stage.name) again with batch \(batch), because another frame came out of "
                    + "\(stage.branch(branch)) first and was taken for it; let the branch push nothing before it has "
                    + "forwarded the StartFrame")
        }
        if isCopy {
            return finding(
                .systemFrameDuplicated, .warning,
                "\(frame) left \(stage.name) again with batch \(batch), after it had passed on its own; let what "
                    + "follows the stage ignore a frame that it has seen, until Pipecat drops the copies "
                    + "(\(Finding.Kind.systemFrameDuplicated.link ?? ""))")
        }
        if isOwnSync {
            return finding(
                .syncFrameLeaked, .warning,
                "\(frame) left \(stage.name) with batch \(batch), as no SyncFrame may; look for the batch before it at "
                    + "which the stage got out of step (batch-misaligned), by an interruption most likely")
        }
        if case .interrupted(let earlier) = origin {
            return finding(
                .staleOutput, .warning,
                "\(frame) is of batch \(earlier), which was interrupted, and left \(stage.name) with batch \(batch); let "
                    + "what follows drop what an interruption has made stale")
        }
        if direction == .upstream, let finding = upstreamFinding { return finding }
        if isSystem, origin != .unknown {
            return finding(
                .systemFrameHeld, .warning,
                "\(frame) was born in \(stage.branch(branch)) and kept back\(duration) until batch \(batch) was "
                    + "released; push what has to be quick from outside of \(stage.name)")
        }
        // What came behind its branch's SyncFrame was told when this batch began.
        guard case .earlier(let earlier) = origin else { return nil }
        return finding(
            .lateOutput, .warning,
            "\(frame) was made downstream during batch \(earlier), an upstream one, and left \(stage.name) with batch "
                + "\(batch) only; push it in answer to a downstream frame")
    }

    private var upstreamFinding: Finding? {
        let made: String
        switch origin {
        case .late: made = "outside of an upstream batch"
        case .earlier(let earlier): made = "during batch \(earlier), a downstream one,"
        default: return nil
        }
        return finding(
            .upstreamHeld, .error,
            "\(frame) went upstream out of \(stage.branch(branch)) \(made) and was kept back\(duration) until batch "
                + "\(batch), the next upstream one; push what has to go upstream from outside of \(stage.name)")
    }

    private var duration: String { held.map { " for \(milliseconds($0))" } ?? "" }

    private func finding(_ kind: Finding.Kind, _ severity: Finding.Severity, _ detail: String) -> Finding {
        Finding(
            kind, severity, stage: stage.number, batch: batch, branch: branch, sequence: sequence, detail: detail)
    }
}

/// An output that came when its branch had given its SyncFrame back already, and joined the next batch. Its event, of the
/// kind `late`, is the finding.
struct LateOutput: Sendable {
    var stage: StageLabel
    var batch: Int64
    var branch: Int
    var frame: String

    var detail: String {
        "\(frame) came out of \(stage.branch(branch)) when its SyncFrame was already back, and joined batch \(batch), the "
            + "next one; let the branch's last processor push all it makes before it forwards the next frame"
    }
}

/// A time in ns for people: whole milliseconds, or seconds from ten on.
func milliseconds(_ nanoseconds: Int64) -> String {
    nanoseconds < 10_000_000_000 ? "\(nanoseconds / 1_000_000) ms" : "\(nanoseconds / 1_000_000_000) s"
}
