/// What travels between nodes: a frame, or a fence behind one.
struct Item {
    /// nil for a fence.
    let frame: (any Frame)?
    let direction: FrameDirection
    /// Whether the item overtakes what is synchronized: system frames, and fences behind them.
    let isSystem: Bool
    /// Whether an interruption drops it. Fences it never drops (C6).
    let isDroppedByInterruption: Bool
    /// The frame's, so that nodes need not ask it.
    let role: FrameType.Role
    let origin: FrameOrigin
    /// Meaningless for a frame.
    let fence: Fence

    init(_ frame: any Frame, _ direction: FrameDirection, _ origin: FrameOrigin = .none) {
        let type = frame.type
        self.frame = frame
        self.direction = direction
        isSystem = type.frameClass == .system
        isDroppedByInterruption = type.isInterruptible && !isSystem
        role = type.role
        self.origin = origin
        fence = .none
    }

    /// The frame of another item, on another way.
    init(_ item: Item, origin: FrameOrigin) {
        frame = item.frame
        direction = item.direction
        isSystem = item.isSystem
        isDroppedByInterruption = item.isDroppedByInterruption
        role = item.role
        self.origin = origin
        fence = .none
    }

    init(_ fence: Fence, _ direction: FrameDirection) {
        frame = nil
        self.direction = direction
        isSystem = fence.isSystem
        isDroppedByInterruption = false
        role = .ordinary
        origin = .none
        self.fence = fence
    }
}

/// The mark that a node sends into its branches behind a frame; it comes back when the frame has passed all processors of a
/// branch. A stage's SyncFrames are fences (C6), and so are the marks with which parallel pipelines and sessions follow
/// frames of their own.
struct Fence {
    /// The owner's number for what it follows.
    let number: Int64
    let isSystem: Bool
    /// Whether processors drain before it passes.
    let drains: Bool

    static let none = Fence(number: 0, isSystem: false, drains: false)
}

/// The release with which a frame last left a stage.
public struct FrameOrigin: Sendable, Hashable {
    /// 0 for a frame that passed outside of batches.
    public let batch: Int64
    private let stageNumber: Int32
    private let branchNumber: Int32
    private let place: Int32

    public var stage: Int { Int(stageNumber) }
    /// -1 for a frame of no branch.
    public var branch: Int { Int(branchNumber) }
    /// Counts from 0 in batch and direction; -1 outside of batches.
    public var position: Int { Int(place) }

    /// Of a frame that has left no stage since it was made.
    static let none = FrameOrigin(stage: -1, batch: 0, branch: -1, position: -1)

    init(stage: Int, batch: Int64, branch: Int, position: Int) {
        self.batch = batch
        stageNumber = Int32(clamping: stage)
        branchNumber = Int32(clamping: branch)
        place = Int32(clamping: position)
    }
}
