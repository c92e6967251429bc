import PipelineEngine

/// A frame that came out of a branch: at its sink, or upstream at its source.
struct Arrival: Sendable {
    var frame: GenericFrame
    var key: FrameKey
    var branch: Int
    var direction: FrameDirection
    var time: Int64
    /// A running number over the stage.
    var order: Int64
    /// Whether it is a copy of a system frame that came into the stage from outside.
    var isCopy: Bool
    /// The interrupted batch from which it was left over, 0 for none.
    var staleFrom: Int64 = 0
    /// Whether its branch was a SyncFrame behind when it came: that it is late is then no finding of its own.
    var isOutOfStep: Bool
    /// What it takes in memory, about.
    var size: Int
    var telling = Telling.untold

    /// Whether there is an event of it already.
    enum Telling: Sendable, Hashable {
        case untold
        /// In a batch, as this one of its outputs.
        case told(batch: Int64, output: Int, sequence: Int64)
    }

    /// Whether coming behind its branch's SyncFrame is a defect of its own: for other frames it only follows from one, which
    /// is told when they leave.
    var isLateOutput: Bool {
        direction == .downstream && !isSystem && !isSync && staleFrom == 0 && !isOutOfStep
    }

    var isSystem: Bool { !frame.type.frameClass.isSynchronized }
    var isSync: Bool { frame.type.isKind(of: .sync) }
    var isEnd: Bool { frame.type.isKind(of: .end) }
    var name: String { frame.name }
}

extension FrameType {
    // The types that Pipecat's stage acts on; all stand in the catalogue.
    static let sync = known("SyncFrame") ?? .controlFrame
    static let end = known("EndFrame") ?? .controlFrame
    static let start = known("StartFrame") ?? .systemFrame
    static let interruption = known("InterruptionFrame") ?? .systemFrame
    static let cancel = known("CancelFrame") ?? .systemFrame
}
