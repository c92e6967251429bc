/// What travels between nodes: frames, and the fences behind them.
enum Item {
    case frame(any Frame, FrameDirection, FrameOrigin?)
    case fence(Fence, FrameDirection)

    /// Whether the item overtakes what is synchronized: system frames, and fences behind them.
    var isSystem: Bool {
        switch self {
        case .frame(let frame, _, _): frame.type.frameClass == .system
        case .fence(let fence, _): fence.isSystem
        }
    }

    /// Whether an interruption drops it. Fences it never drops (C6).
    var isDroppedByInterruption: Bool {
        if case .frame(let frame, _, _) = self { return frame.type.isInterruptible && !isSystem }
        return false
    }

    var isCancel: Bool {
        if case .frame(let frame, _, _) = self { return frame.type.role == .cancel }
        return false
    }

    var direction: FrameDirection {
        switch self {
        case .frame(_, let direction, _), .fence(_, let direction): direction
        }
    }
}

/// The mark that a node sends into its branches behind a frame; it comes back when the frame has passed all processors of a
/// branch. A stage's SyncFrames are fences (C6), and so are the marks with which parallel pipelines and sessions follow
/// frames of their own.
struct Fence {
    unowned let owner: Node
    /// The owner's number for what it follows.
    let number: Int64
    let isSystem: Bool
    /// Whether processors drain before it passes.
    let drains: Bool
}

/// The release with which a frame last left a stage.
public struct FrameOrigin: Sendable, Hashable {
    public let stage: Int
    /// 0 for a frame that passed outside of batches.
    public let batch: Int64
    /// -1 for a frame of no branch.
    public let branch: Int
    /// Counts from 0 in batch and direction; -1 outside of batches.
    public let position: Int
}
