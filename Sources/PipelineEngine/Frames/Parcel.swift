/// A frame with what is asked of it everywhere on its way: an existential costs calls into the runtime with every copy and
/// every question, a reference does not.
package final class Parcel: Sendable {
    package let frame: any Frame
    /// The frame's.
    package let id: Int64
    /// The frame's.
    package let type: FrameType
    /// The part that the engine gives its type.
    var role: FrameType.Role { type.role }
    /// Whether it overtakes what is synchronized (C7).
    var isSystem: Bool { type.frameClass == .system }
    /// Whether an interruption drops it (C10).
    var isDroppedByInterruption: Bool { type.isInterruptible && !isSystem }

    package init(_ frame: consuming any Frame) {
        id = frame.id
        type = frame.type
        self.frame = frame
    }
}
