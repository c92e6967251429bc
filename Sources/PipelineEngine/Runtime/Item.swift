/// What travels between nodes: a frame, or a fence behind one.
///
/// `~Copyable`: from node to node it is moved, so that no reference is counted on its way.
struct Item: ~Copyable {
    /// nil for a fence.
    private(set) var parcel: Parcel?
    let direction: FrameDirection
    /// Whether the item overtakes what is synchronized: system frames, and fences behind them.
    let isSystem: Bool
    /// The release with which the frame last left a stage.
    let origin: FrameOrigin
    /// Meaningless for a frame.
    let fence: Fence

    /// The frame's id, 0 for a fence.
    var id: Int64 { parcel?.id ?? 0 }

    var isFence: Bool { parcel == nil }

    /// Whether an interruption drops it. Fences it never drops (C6).
    var isDroppedByInterruption: Bool { parcel?.isDroppedByInterruption ?? false }

    /// Its frame, taken out of it; nil for a fence.
    consuming func takeParcel() -> Parcel? { parcel.take() }

    /// The part that the engine gives the frame's type.
    var role: FrameType.Role { parcel?.role ?? .ordinary }

    init(_ frame: consuming any Frame, _ direction: FrameDirection) { self.init(Parcel(frame), direction) }

    init(_ parcel: consuming Parcel, _ direction: FrameDirection, _ origin: FrameOrigin = .none) {
        self.direction = direction
        isSystem = parcel.isSystem
        self.origin = origin
        fence = .none
        self.parcel = parcel
    }

    /// The frame of another item, on another way.
    init(_ item: consuming Item, origin: FrameOrigin) {
        direction = item.direction
        isSystem = item.isSystem
        self.origin = origin
        fence = .none
        parcel = item.takeParcel()
    }

    init(_ fence: Fence, _ direction: FrameDirection) {
        parcel = nil
        self.direction = direction
        isSystem = fence.isSystem
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
