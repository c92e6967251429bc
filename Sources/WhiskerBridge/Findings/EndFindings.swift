import PipelineEngine

/// A branch that has not given its SyncFrame, or the EndFrame, back when the recording ended.
struct MissingSync: Sendable {
    /// Longer than this, a processor that has the frame in hand and does not forward it has swallowed it.
    static let inHand: Int64 = 200_000_000
    /// A branch that is at work on the frames before the SyncFrame may be slow: it is given this long at the least, and
    /// four times as long as the stage's slowest batch took.
    static let atWork: Int64 = 2_000_000_000
    /// Longer than this nobody is just slow: what the engine's own stages call a stall.
    static let stalled: Int64 = 30_000_000_000

    var stage: StageLabel
    var batch: Int64
    var branch: Int
    /// Of the inbound event.
    var sequence: Int64
    /// The inbound frame, where it is known.
    var inbound: String?
    var marker: OpenBatch.Marker
    /// The processor behind the one that had the marker last.
    var next: String?
    /// From when the marker was last seen to the recording's end, in ns.
    var elapsed: Int64
    var slowestBatch: Int64

    /// The last processor that had it; a frame that was pushed lies in the next processor's queue.
    var holder: String { marker.action == .push ? next ?? marker.processor : marker.processor }

    /// nil when the branch may just be slow.
    var finding: Finding? {
        let isInHand = marker.action == .process
        guard
            isInHand || marker.wasInterrupted
                ? elapsed >= Self.inHand : elapsed >= max(Self.atWork, 4 * slowestBatch)
        else { return nil }
        let batchName = inbound.map { "batch \(batch) (\($0))" } ?? "batch \(batch)"
        let why: String
        if marker.wasInterrupted {
            why =
                "\(holder) was the last to have it and dropped it when an interruption went through the branch; keep "
                + "interruptions away from uninterruptible frames in \(stage.name), and do not interrupt from inside"
        } else if isInHand {
            why =
                "\(holder) was the last to have it and did not forward it; let that processor push every frame that it "
                + "does not handle, \(marker.name.prefix { $0 != "#" }) included"
        } else {
            why =
                "\(holder) was the last to have it and has left it in its queue for \(milliseconds(elapsed)); if it is "
                + "not just slow, see what it waits for: it must not need anything that \(stage.name) has yet to release"
        }
        let what = "\(stage.branch(branch)) has not given \(marker.name) of \(batchName) back"
        return Finding(
            .syncMissing, isInHand || marker.wasInterrupted || elapsed >= Self.stalled ? .error : .warning,
            stage: stage.number, batch: batch, branch: branch, sequence: sequence,
            detail: "\(what): \(why)")
    }
}

/// A frame that came out of a branch and had not left the stage when the recording ended.
struct UnreleasedFrame: Sendable {
    /// A frame that waits shorter than this may just not have left yet.
    static let patience: Int64 = 200_000_000

    var stage: StageLabel
    var batch: Int64
    var branch: Int
    var sequence: Int64
    var frame: String
    var type: FrameType
    var direction: FrameDirection
    /// Whether it came after its branch's SyncFrame, or between two batches.
    var isLate: Bool
    /// Whether a batch was released since it came, and it was not.
    var wasPassedOver: Bool
    var elapsed: Int64

    var finding: Finding? {
        let place = "\(stage.branch(branch)) of \(stage.name)"
        let isSystem = !type.frameClass.isSynchronized
        let kind: Finding.Kind
        let detail: String
        if direction == .upstream {
            kind = .upstreamHeld
            detail =
                "\(frame) went upstream out of \(place) and never left the stage, which keeps it until a frame comes "
                + "from behind; push what has to go upstream from outside of the stage"
        } else if isSystem {
            kind = .systemFrameHeld
            detail =
                "\(frame) was born in \(place) and never left the stage, which keeps it until the next batch; push what "
                + "has to be quick from outside of the stage"
        } else {
            kind = .lateOutput
            detail =
                isLate
                ? "\(frame) came out of \(place) when its SyncFrame was already back and had not left the stage when "
                    + "the recording ended; let the branch's last processor push all it makes before it forwards the "
                    + "next frame"
                : "\(frame) was made downstream in \(place) during batch \(batch), an upstream one, and had not left "
                    + "the stage when the recording ended; push it in answer to a downstream frame"
        }
        guard kind == .lateOutput && isLate || wasPassedOver || elapsed >= Self.patience else { return nil }
        return Finding(
            kind, kind == .lateOutput ? .warning : .error, stage: stage.number, batch: batch, branch: branch,
            sequence: sequence, detail: detail)
    }
}

/// An EndFrame that came out of every branch and not out of the stage.
struct LostEnd: Sendable {
    static let patience: Int64 = 200_000_000

    var stage: StageLabel
    var batch: Int64
    var sequence: Int64
    var frame: String

    var finding: Finding {
        Finding(
            .endFrameLost, .error, stage: stage.number, batch: batch, sequence: sequence,
            detail: "\(frame) came out of every branch of \(stage.name) and never left it, so that the bot cannot end; "
                + "let at least one branch put nothing out before the EndFrame, and cancel the runner to end this bot")
    }
}

/// What a recording lacks.
enum RecordingGap: Sendable {
    case batchWithoutHead(StageLabel, batch: Int64, sequence: Int64, isBehindGap: Bool)
    case inboundExcluded(StageLabel, batch: Int64, sequence: Int64)
    case batchWithoutEnd(StageLabel, batch: Int64, sequence: Int64, inbound: String?, missing: [Missing])
    case recordsMissing(after: Int64, count: Int64)
    case tooMuchHeld(StageLabel)
    case headMissing(bytes: Int64)
    case damaged(WhiskerError)
    case lost(WhiskerError)

    /// A branch that had not given its SyncFrame back, and who had it last.
    struct Missing: Sendable {
        var branch: Int
        var holder: String?
    }

    var finding: Finding {
        switch self {
        case .batchWithoutHead(let stage, let batch, let sequence, let isBehindGap):
            Finding(
                .recordingIncomplete, .note, stage: stage.number, batch: batch, sequence: sequence,
                detail: isBehindGap
                    ? "behind what is missing the recording goes on inside batch \(batch) of \(stage.name), without its "
                        + "inbound frame; keep one connection for the whole session to have it whole"
                    : "the recording begins inside batch \(batch) of \(stage.name), whose inbound frame is missing; "
                        + "start recording before the bot to have it whole")
        case .inboundExcluded(let stage, let batch, let sequence):
            Finding(
                .recordingIncomplete, .note, stage: stage.number, batch: batch, sequence: sequence,
                detail: "the inbound frames of batch \(batch) of \(stage.name), and of others like it, are not in the "
                    + "recording, as Whisker leaves audio out; give create_observer exclude_frames=() to have them")
        case .batchWithoutEnd(let stage, let batch, let sequence, let inbound, let missing):
            Finding(
                .recordingIncomplete, .note, stage: stage.number, batch: batch,
                branch: missing.count == 1 ? missing[0].branch : -1, sequence: sequence,
                detail: "the recording ends inside batch \(batch)\(inbound.map { " (\($0))" } ?? "") of \(stage.name)"
                    + missing.map { branch in
                        ", with the SyncFrame of \(stage.branch(branch.branch))"
                            + (branch.holder.map { " at \($0)" } ?? " still out")
                    }.joined() + "; record until the bot has ended to have it whole")
        case .recordsMissing(let after, let count):
            Finding(
                .recordingIncomplete, .warning,
                detail: "\(count) of Whisker's records behind number \(after) are missing, so that the batches around "
                    + "them are incomplete; take the whole file, or keep one connection for the whole session")
        case .tooMuchHeld(let stage):
            Finding(
                .recordingIncomplete, .warning, stage: stage.number,
                detail: "more frames wait in \(stage.name) than can be followed, so that what left it from here to the "
                    + "next batch is not known; see the other findings for why the stage keeps so many")
        case .headMissing(let bytes):
            Finding(
                .recordingIncomplete, .warning,
                detail:
                    "the file's beginning is missing, Whisker's snapshot with it, and its first \(bytes) bytes belong "
                    + "to no whole record; the stages are worked out from what follows, without the names in their "
                    + "branches; take the whole file")
        case .damaged(let error):
            Finding(.recordingIncomplete, .error, detail: error.message)
        case .lost(let error):
            Finding(.recordingIncomplete, .warning, detail: error.message)
        }
    }
}
