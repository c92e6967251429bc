public import PipelineEngine

/// Two releases of one batch side by side: its ARRIVAL against its PIPELINE order, or those of two sessions.
public struct BatchComparison: Sendable {
    /// What a row says about its frame.
    public enum Mark: String, Sendable, CaseIterable {
        /// On both sides, in the same order among those that stay.
        case same
        /// On both sides, elsewhere; has a row for each of its two places.
        case moved
        /// On the left only.
        case missing
        /// On the right only.
        case extra
    }

    /// One line: a frame of the left side, of the right side, or both where it is the same one in its place.
    public struct Row: Sendable {
        public var mark: Mark
        public var left: PlacedFrame?
        public var right: PlacedFrame?
        /// `moved`: the frame's position on the side that this row leaves empty.
        public var otherPosition: Int?
        /// Whether the frame is there on both sides, but with other content.
        public var hasOtherContent: Bool
    }

    /// The rows of one direction.
    public struct Section: Sendable {
        public var direction: FrameDirection
        public var rows: [Row]
        /// Pairs of frames that the two sides have in opposite order.
        public var inversions: Int
        /// The fewest frames that have to move to turn one order into the other.
        public var moved: Int
    }

    public var stage: Int
    public var batch: Int64
    /// The frame that opened the batch, on the left side if it is there.
    public var inbound: (any Frame)?
    /// Whether the two sides were opened by frames of different content.
    public var inboundDiffers = false
    /// Upstream, then downstream; a direction in which nothing was released has none.
    public var sections: [Section]

    /// Whether the releases differ in order, in frames or in content.
    public var differs: Bool {
        sections.contains { $0.moved > 0 || $0.rows.contains { $0.mark != .same || $0.hasOtherContent } }
    }

    /// What an order decides, side by side: the recorded outputs in ARRIVAL order on the left, in PIPELINE order on the
    /// right. A frame corresponds to the one of its id.
    public init(ordersOf batch: RecordedBatch) {
        stage = batch.stage
        self.batch = batch.batch
        inbound = batch.inbound?.frame
        sections = Self.sections(batch.release(in: .arrival), batch.release(in: .pipeline), FrameMatching.init(byID:_:))
        markCollisions(in: batch)
    }

    /// Marks where another one of several frames that share an id is released (C16). The recording says which ids are
    /// shared; the frames here may have been read without their content.
    private mutating func markCollisions(in batch: RecordedBatch) {
        let collisions = Set(batch.incidents.lazy.filter { $0.kind == .anomaly }.map(\.subject))
        if collisions.isEmpty { return }
        let ids = Set(batch.outputs.lazy.filter { collisions.contains($0.sequence) }.compactMap { $0.frame?.id })
        for section in sections.indices {
            for row in sections[section].rows.indices {
                guard let left = sections[section].rows[row].left, let right = sections[section].rows[row].right,
                    ids.contains(left.frame.id), left.branch != right.branch || left.emission != right.emission
                else { continue }
                sections[section].rows[row].hasOtherContent = true
            }
        }
    }

    /// The recorded releases of two batches; a frame corresponds to one of the same content, as `FrameMatching` says.
    public init(_ left: RecordedBatch, _ right: RecordedBatch) {
        stage = left.stage
        batch = left.batch
        inbound = left.inbound?.frame ?? right.inbound?.frame
        if let a = left.inbound?.frame, let b = right.inbound?.frame { inboundDiffers = !a.hasSameSubstance(as: b) }
        sections = Self.sections(left.recordedRelease, right.recordedRelease, FrameMatching.init(byContent:_:))
    }

    /// Two releases of one session's batch: a frame corresponds to the one of its id.
    public init(stage: Int, batch: Int64, inbound: (any Frame)?, _ left: [PlacedFrame], _ right: [PlacedFrame]) {
        self.stage = stage
        self.batch = batch
        self.inbound = inbound
        sections = Self.sections(left, right, FrameMatching.init(byID:_:))
    }

    private static func sections(
        _ left: [PlacedFrame], _ right: [PlacedFrame], _ match: ([PlacedFrame], [PlacedFrame]) -> FrameMatching
    ) -> [Section] {
        [FrameDirection.upstream, .downstream].compactMap { direction in
            let left = left.filter { $0.direction == direction }
            let right = right.filter { $0.direction == direction }
            guard !left.isEmpty || !right.isEmpty else { return nil }
            return Section(direction: direction, left, right, match(left, right))
        }
    }
}

extension BatchComparison.Section {
    fileprivate init(
        direction: FrameDirection, _ left: [PlacedFrame], _ right: [PlacedFrame], _ matching: FrameMatching
    ) {
        let alignment = SequenceAlignment(partners: matching.partners, rightCount: right.count)
        self.direction = direction
        inversions = alignment.inversions
        moved = alignment.moved
        rows = alignment.rows.map { row in
            switch row {
            case .kept(let leftIndex, let rightIndex):
                BatchComparison.Row(
                    mark: .same, left: left[leftIndex], right: right[rightIndex], otherPosition: nil,
                    hasOtherContent: matching.changed.contains(leftIndex))
            case .movedAway(let leftIndex, let rightIndex):
                BatchComparison.Row(
                    mark: .moved, left: left[leftIndex], right: nil, otherPosition: right[rightIndex].position,
                    hasOtherContent: matching.changed.contains(leftIndex))
            case .movedHere(let rightIndex, let leftIndex):
                BatchComparison.Row(
                    mark: .moved, left: nil, right: right[rightIndex], otherPosition: left[leftIndex].position,
                    hasOtherContent: matching.changed.contains(leftIndex))
            case .leftOnly(let index):
                BatchComparison.Row(
                    mark: .missing, left: left[index], right: nil, otherPosition: nil, hasOtherContent: false)
            case .rightOnly(let index):
                BatchComparison.Row(
                    mark: .extra, left: nil, right: right[index], otherPosition: nil, hasOtherContent: false)
            }
        }
    }
}
