/// What a session runs: its stages and their branches, as numbered in its events.
public struct SessionDefinition: Sendable, Hashable {
    /// One `SyncParallelPipeline`.
    public struct Stage: Sendable, Hashable {
        /// Equals the index in `stages`: definition order, outer before inner (C15).
        public var number: Int
        public var name: String
        /// nil where it is not known, as in a recording of a Pipecat bot from whose releases it could not be inferred.
        public var frameOrder: FrameOrder?
        public var branches: [Branch]
        /// The stage that this one stands in, nil for the outermost.
        public var parent: Int?

        public init(
            number: Int, name: String, frameOrder: FrameOrder?, branches: [Branch], parent: Int? = nil
        ) {
            self.number = number
            self.name = name
            self.frameOrder = frameOrder
            self.branches = branches
            self.parent = parent
        }
    }

    /// One parallel pipeline of a stage.
    public struct Branch: Sendable, Hashable {
        public var number: Int
        public var name: String?
        /// The names of its processors, in order; those of an inner stage are not among them.
        public var processors: [String]

        public init(number: Int, name: String? = nil, processors: [String]) {
            self.number = number
            self.name = name
            self.processors = processors
        }
    }

    public var stages: [Stage]

    public init(stages: [Stage] = []) { self.stages = stages }
}
