/// What the order of a release depends on.
public protocol ReleasableOutput {
    var outputBranch: Int { get }
    var outputDirection: FrameDirection { get }
    var outputFrameID: Int64 { get }
    var outputType: FrameType { get }
}

/// An EndFrame or StopFrame that opened a batch: it leaves after everything else, exactly once (C9).
public struct ClosingFrame: Sendable {
    public let id: Int64
    public let type: FrameType
    public let direction: FrameDirection

    /// nil for a frame of any other type.
    public init?(_ inbound: any Frame, _ direction: FrameDirection) {
        self.init(Parcel(inbound), direction)
    }

    init?(_ inbound: Parcel, _ direction: FrameDirection) {
        guard inbound.role == .end || inbound.role == .stop else { return nil }
        id = inbound.id
        type = inbound.type
        self.direction = direction
    }
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

    /// The release of a batch that a `ClosingFrame` opened.
    public struct ClosingRelease: Sendable {
        /// All outputs but the dropped ones, in the order of release: copies of the closing frame and the one that is
        /// released come last.
        public var placements: [Placement]
        /// Other frames of its kind that branches put out.
        public var dropped: [Int]
        /// The position of the closing frame in its direction.
        public var closingPosition: Int
        /// Whether no branch gave the frame back: the inbound frame itself is then released at `closingPosition`.
        public var isSwallowed: Bool
    }

    /// Places the outputs of a batch that an EndFrame or StopFrame opened (C9): as `arrange`, then the frame itself.
    public static func arrange<Output: ReleasableOutput>(
        _ outputs: [Output], _ order: FrameOrder, closing: ClosingFrame
    ) -> ClosingRelease {
        let others = outputs.indices.filter { outputs[$0].outputType.role != closing.type.role }
        let itsKind = outputs.indices.filter { outputs[$0].outputType.role == closing.type.role }
        let copies = itsKind.filter {
            outputs[$0].outputFrameID == closing.id && outputs[$0].outputDirection == closing.direction
        }
        var placements = arrange(others.map { outputs[$0] }, order)
        for index in placements.indices {
            placements[index].output = others[placements[index].output]
            placements[index].duplicateOf = placements[index].duplicateOf.map { others[$0] }
        }
        let position = placements.count { placement in
            placement.duplicateOf == nil && outputs[placement.output].outputDirection == closing.direction
        }
        placements += copies.dropFirst().map { Placement(output: $0, position: position, duplicateOf: copies[0]) }
        if let first = copies.first { placements.append(Placement(output: first, position: position)) }
        return ClosingRelease(
            placements: placements, dropped: itsKind.filter { !copies.contains($0) }, closingPosition: position,
            isSwallowed: copies.isEmpty)
    }

    /// Places every output of a batch, in the order of release: upstream first, then downstream, each direction
    /// deduplicated by frame id for itself.
    ///
    /// - Parameter outputs: in the order of their arrival, which within a branch is that of emission.
    public static func arrange<Output: ReleasableOutput>(_ outputs: [Output], _ order: FrameOrder) -> [Placement] {
        var placements: [Placement] = []
        arrange(outputs, order, into: &placements)
        return placements
    }

    /// As `arrange`, into a buffer that is used again.
    static func arrange<Output: ReleasableOutput>(
        _ outputs: [Output], _ order: FrameOrder, into placements: inout [Placement]
    ) {
        placements.removeAll(keepingCapacity: true)
        for index in outputs.indices { placements.append(Placement(output: index, position: 0)) }
        sort(&placements, of: outputs, order)
        var winners: [Int64: (output: Int, position: Int)]?
        // A search through a handful of placements is cheaper than hashing.
        if outputs.count > 16 { winners = [:] }
        var firstOfDirection = 0
        var position = 0
        for index in placements.indices {
            // Asked in place, here and below: copying an output costs more than what is asked.
            let output = placements[index].output
            if index > 0,
                outputs[placements[index - 1].output].outputDirection != outputs[output].outputDirection
            {
                firstOfDirection = index
                position = 0
                winners?.removeAll(keepingCapacity: true)
            }
            let id = outputs[output].outputFrameID
            if let winner = winners?[id]
                ?? (winners == nil ? winner(of: id, in: placements[firstOfDirection..<index], outputs) : nil)
            {
                placements[index].position = winner.position
                placements[index].duplicateOf = winner.output
            } else {
                placements[index].position = position
                winners?[id] = (placements[index].output, position)
                position += 1
            }
        }
    }

    private static func sort<Output: ReleasableOutput>(
        _ placements: inout [Placement], of outputs: [Output], _ order: FrameOrder
    ) {
        func isBefore(_ left: Int, _ right: Int) -> Bool {
            let direction = outputs[left].outputDirection
            if direction != outputs[right].outputDirection { return direction == .upstream }
            if order == .pipeline {
                let branches = (outputs[left].outputBranch, outputs[right].outputBranch)
                if branches.0 != branches.1 { return branches.0 < branches.1 }
            }
            return left < right
        }
        // Nearly always they stand as they are to leave.
        let isSorted = outputs.indices.dropFirst().allSatisfy { isBefore($0 - 1, $0) }
        if !isSorted { placements.sort { isBefore($0.output, $1.output) } }
    }

    private static func winner<Output: ReleasableOutput>(
        of id: Int64, in placements: ArraySlice<Placement>, _ outputs: [Output]
    ) -> (output: Int, position: Int)? {
        for placement in placements where placement.duplicateOf == nil && outputs[placement.output].outputFrameID == id
        {
            return (placement.output, placement.position)
        }
        return nil
    }
}
