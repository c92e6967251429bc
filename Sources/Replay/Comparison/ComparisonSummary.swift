/// What a comparison of many batches comes to.
public struct ComparisonSummary: Sendable, Equatable {
    /// Batches compared.
    public var batches: Int64 = 0
    /// Batches compared whose releases differ.
    public var differing: Int64 = 0
    /// Pairs of frames in opposite order.
    public var inversions: Int64 = 0
    /// Frames that moved: per batch and direction the fewest that explain the difference.
    public var moved: Int64 = 0
    /// Frames on the left only.
    public var missing: Int64 = 0
    /// Frames on the right only.
    public var extra: Int64 = 0
    /// Frames with other content on the two sides.
    public var changed: Int64 = 0
    /// Batches left out because the recording lacks their beginning.
    public var withoutHead: Int64 = 0
    /// Batches left out because they had not ended.
    public var open: Int64 = 0
    /// Batches that only the left session has.
    public var leftOnly: Int64 = 0
    /// Batches that only the right session has.
    public var rightOnly: Int64 = 0
    /// Released frames left out because the recording lacks them.
    public var unknownFrames: Int64 = 0

    public init() {}

    /// Whether anything differs.
    public var isDifferent: Bool { differing > 0 || leftOnly > 0 || rightOnly > 0 }

    /// Counts one more batch.
    public mutating func add(_ comparison: BatchComparison) {
        batches += 1
        if comparison.differs { differing += 1 }
        for section in comparison.sections {
            inversions += Int64(section.inversions)
            moved += Int64(section.moved)
            for row in section.rows {
                switch row.mark {
                case .missing: missing += 1
                case .extra: extra += 1
                case .same, .moved: break
                }
                // A moved frame has two rows; that of its left place counts.
                if row.hasOtherContent, row.left != nil { changed += 1 }
            }
        }
    }

    /// Adds the counts of another part of the comparison, another stage for example.
    public static func += (total: inout ComparisonSummary, part: ComparisonSummary) {
        for count in Self.counts { total[keyPath: count] += part[keyPath: count] }
    }

    private static var counts: [WritableKeyPath<ComparisonSummary, Int64>] {
        [
            \.batches, \.differing, \.inversions, \.moved, \.missing, \.extra, \.changed, \.withoutHead, \.open,
            \.leftOnly, \.rightOnly, \.unknownFrames,
        ]
    }
}
