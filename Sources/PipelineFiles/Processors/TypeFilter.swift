import PipelineEngine

/// Which frames a processor acts on: its `on`.
struct TypeFilter: Sendable, Hashable {
    /// nil: all synchronized frames.
    var types: [FrameType]?

    /// All synchronized frames.
    static let synchronized = TypeFilter(types: nil)

    /// Whether frames of `type` are meant: the types themselves and all below them.
    func matches(_ type: FrameType) -> Bool {
        guard let types else { return type.frameClass.isSynchronized }
        return types.contains { type.isKind(of: $0) }
    }
}
