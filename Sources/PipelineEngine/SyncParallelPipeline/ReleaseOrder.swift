/// What the order of a release depends on.
public protocol ReleasableOutput {
    var outputBranch: Int { get }
    var outputDirection: FrameDirection { get }
    var outputFrameID: Int64 { get }
}

/// The order in which a batch is released (C4), as a pure function of its outputs.
public enum ReleaseOrder {
    /// One output's place in a release, as an index into the outputs.
    public struct Placement: Hashable, Sendable {
        /// The output's index.
        public var output: Int
        /// Counts from 0 in batch and direction; for a duplicate that of the output released instead of it.
        public var position: Int
        /// The index of the output of the same id that went before it; nil if this one is released.
        public var duplicateOf: Int?
    }

    /// Places every output of a batch, in the order of release: upstream first, then downstream, each direction
    /// deduplicated by frame id for itself.
    ///
    /// - Parameter outputs: in the order of their arrival, which within a branch is that of emission.
    public static func arrange<Output: ReleasableOutput>(_ outputs: [Output], _ order: FrameOrder) -> [Placement] {
        var indices = Array(outputs.indices)
        if order == .pipeline || outputs.contains(where: { $0.outputDirection == .upstream }) {
            indices.sort { left, right in
                let (a, b) = (outputs[left], outputs[right])
                if a.outputDirection != b.outputDirection { return a.outputDirection == .upstream }
                if order == .pipeline, a.outputBranch != b.outputBranch { return a.outputBranch < b.outputBranch }
                return left < right
            }
        }
        var placements: [Placement] = []
        placements.reserveCapacity(indices.count)
        var winners = Winners(expecting: indices.count)
        var direction: FrameDirection?
        for index in indices {
            let output = outputs[index]
            if output.outputDirection != direction {
                direction = output.outputDirection
                winners.removeAll()
            }
            if let winner = winners.find(output.outputFrameID) {
                placements.append(
                    Placement(output: index, position: winner.position, duplicateOf: winner.output))
            } else {
                let position = winners.count
                winners.add(output.outputFrameID, output: index)
                placements.append(Placement(output: index, position: position, duplicateOf: nil))
            }
        }
        return placements
    }

    /// The outputs released so far in one direction, by frame id: a list while there are few, since hashing a handful of
    /// numbers costs more than comparing them.
    private struct Winners {
        private var few: [(id: Int64, output: Int)] = []
        private var many: [Int64: (output: Int, position: Int)] = [:]
        private let isMany: Bool
        private(set) var count = 0

        init(expecting capacity: Int) { isMany = capacity > 16 }

        mutating func add(_ id: Int64, output: Int) {
            if isMany { many[id] = (output, count) } else { few.append((id, output)) }
            count += 1
        }

        func find(_ id: Int64) -> (output: Int, position: Int)? {
            if isMany { return many[id] }
            guard let index = few.firstIndex(where: { $0.id == id }) else { return nil }
            return (few[index].output, index)
        }

        mutating func removeAll() {
            few.removeAll(keepingCapacity: true)
            many.removeAll(keepingCapacity: true)
            count = 0
        }
    }
}
