import PipelineEngine

/// A branch that gave a SyncFrame back which is not the one that it was sent for the batch.
struct MisalignedSync: Sendable {
    var stage: StageLabel
    var batch: Int64
    var branch: Int
    var sequence: Int64
    var frame: String

    var finding: Finding {
        Finding(
            .batchMisaligned, .error, stage: stage.number, batch: batch, branch: branch, sequence: sequence,
            detail: "\(stage.branch(branch)) closed batch \(batch) with \(frame), which is not the one sent for it, so "
                + "that from here on its outputs go with the wrong batch; look for a SyncFrame that was pushed twice "
                + "or that an interruption has left behind")
    }
}

/// What a released batch says about the order of its stage.
struct ReleaseOrderSighting: Sendable {
    var stage: StageLabel
    var batch: Int64
    var sequence: Int64
    /// The first frame that did not leave in its turn, and the one that should have.
    var frame: String
    var expected: String

    var finding: Finding {
        Finding(
            .arrivalOrderBroken, .warning, stage: stage.number, batch: batch, sequence: sequence,
            detail: "\(stage.name) releases in the order of arrival, but \(frame) left before \(expected), which had "
                + "arrived earlier; give the stage frame_order=FrameOrder.PIPELINE where the order matters")
    }
}

/// Two frames in one batch that share an id.
struct IDCollision: Sendable {
    var stage: StageLabel
    var batch: Int64
    var branch: Int
    var sequence: Int64
    var released: String
    var lost: String

    var finding: Finding {
        Finding(
            .idCollision, .error, stage: stage.number, batch: batch, branch: branch, sequence: sequence,
            detail: "\(lost) has the id of \(released) and was dropped as its duplicate; make a new frame instead of "
                + "copying one with its id")
    }
}

/// A frame that a stage took for the StartFrame.
struct FalseStart: Sendable {
    var stage: StageLabel
    var branch: Int
    var sequence: Int64
    var frame: String

    var finding: Finding {
        Finding(
            .startFrameAnomaly, .error, stage: stage.number, branch: branch, sequence: sequence,
            detail:
                "\(frame) came out of \(stage.branch(branch)) before the StartFrame, was taken for it and lost; let "
                + "the branch push nothing before it has forwarded the StartFrame")
    }
}
