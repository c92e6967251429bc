import PipelineEngine

/// The frame orders that are known before a recording is interpreted.
struct KnownOrders: Sendable, Hashable {
    /// Of every stage.
    private var all: FrameOrder?
    /// Of each session's stages, in order.
    private var sessions: [[FrameOrder?]] = []

    init(all: FrameOrder? = nil) { self.all = all }

    init(sessions: [[FrameOrder?]]) { self.sessions = sessions }

    /// Those of one session.
    func session(_ number: Int) -> Session {
        Session(all: all, stages: sessions.indices.contains(number) ? sessions[number] : [])
    }

    struct Session: Sendable, Hashable {
        fileprivate var all: FrameOrder?
        fileprivate var stages: [FrameOrder?]

        init(all: FrameOrder? = nil, stages: [FrameOrder?] = []) {
            self.all = all
            self.stages = stages
        }

        subscript(stage: Int) -> FrameOrder? { all ?? (stages.indices.contains(stage) ? stages[stage] : nil) }
    }
}
