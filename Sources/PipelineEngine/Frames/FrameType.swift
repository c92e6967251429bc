/// What kind of traffic a frame is; decides whether a stage synchronizes it (C2).
public enum FrameClass: String, Sendable, CaseIterable {
    /// Passes outside of batches, ahead of everything that waits (C7).
    case system
    /// Content: text, audio, images. Synchronized.
    case data
    /// Instructions that keep their place among the content. Synchronized.
    case control
    /// Pipecat's bare `Frame` and `LLMContextFrame`, which are none of the three. Synchronized.
    case frame

    /// Whether a stage takes frames of this class as batches (C2).
    public var isSynchronized: Bool { self != .system }
}

/// A type of frame: its name, its place in the hierarchy, its class and whether an interruption may drop it.
///
/// Declare one per frame type and keep it in a `static let`; two values with one name are the same type to a stage. What it
/// says about itself is never freed: types are few, asked for with every frame, and counting references to one that all
/// threads share would cost more than the asking.
public struct FrameType: Sendable, Hashable, CustomStringConvertible {
    /// `Unmanaged`: holds the one reference that is never given up, as above; the object does not change.
    private let details: Unmanaged<Details>
    public let frameClass: FrameClass
    /// Whether an interruption may drop frames of this type (C10).
    public let isInterruptible: Bool
    /// The part that the engine gives this type, `.ordinary` for nearly all.
    let role: Role

    private final class Details: Sendable {
        let name: String
        let base: FrameType?

        init(name: String, base: FrameType?) {
            self.name = name
            self.base = base
        }
    }

    /// The types that the engine itself acts on; a subtype has the role of its base.
    enum Role: Sendable {
        case ordinary, start, end, stop, cancel, interruption, error, sync
    }

    /// A new type below `base`, with the base's class and interruptibility unless given.
    public init(
        _ name: String, base: FrameType?, frameClass: FrameClass? = nil, isInterruptible: Bool? = nil
    ) {
        details = .passRetained(Details(name: name, base: base))
        self.frameClass = frameClass ?? base?.frameClass ?? .frame
        self.isInterruptible = isInterruptible ?? base?.isInterruptible ?? true
        role =
            switch name {
            case "StartFrame": .start
            case "EndFrame": .end
            case "StopFrame": .stop
            case "CancelFrame": .cancel
            case "InterruptionFrame": .interruption
            case "ErrorFrame": .error
            case "SyncFrame": .sync
            default: base?.role ?? .ordinary
            }
    }

    /// Equal for copies of one value and never used again for another: what caches look types up by.
    package var key: Int { Int(bitPattern: details.toOpaque()) }

    /// The type's name, `TextFrame` for example.
    public var name: String { details._withUnsafeGuaranteedRef { $0.name } }

    /// The type that this one specialises; nil for `Frame` only.
    public var base: FrameType? { details._withUnsafeGuaranteedRef { $0.base } }

    /// The catalogue's type of this name, nil if Pipecat has none.
    public static func known(_ name: String) -> FrameType? { catalogue[name] }

    /// Whether this is `other` or one of its subtypes.
    public func isKind(of other: FrameType) -> Bool {
        var type: FrameType? = self
        while let current = type {
            if current == other { return true }
            type = current.base
        }
        return false
    }

    public var description: String { name }

    public static func == (left: FrameType, right: FrameType) -> Bool {
        left.details.toOpaque() == right.details.toOpaque() || left.name == right.name
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension FrameType {
    public static let frame = catalogue["Frame"]!
    public static let dataFrame = catalogue["DataFrame"]!
    public static let controlFrame = catalogue["ControlFrame"]!
    public static let systemFrame = catalogue["SystemFrame"]!
}
