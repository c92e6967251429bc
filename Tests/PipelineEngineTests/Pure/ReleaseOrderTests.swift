import Testing

@testable import PipelineEngine

@Suite struct ReleaseOrderTests {
    /// C4 as the contract words it, without a thought for speed.
    private func oracle(_ outputs: [PlacedOutput], _ order: FrameOrder) -> [ReleaseOrder.Placement] {
        var placements: [ReleaseOrder.Placement] = []
        for direction in [FrameDirection.upstream, .downstream] {
            let indices = outputs.indices.filter { outputs[$0].outputDirection == direction }
            let branches = Set(outputs.map(\.outputBranch)).sorted()
            let ordered =
                order == .arrival
                ? Array(indices)
                : branches.flatMap { branch in indices.filter { outputs[$0].outputBranch == branch } }
            var released: [Int] = []
            for index in ordered {
                let id = outputs[index].outputFrameID
                if let position = released.firstIndex(where: { outputs[$0].outputFrameID == id }) {
                    placements.append(.init(output: index, position: position, duplicateOf: released[position]))
                } else {
                    placements.append(.init(output: index, position: released.count, duplicateOf: nil))
                    released.append(index)
                }
            }
        }
        return placements
    }

    @Test("C4: agrees with the contract's wording on 2,000 random batches", arguments: FrameOrder.allCases)
    func property(order: FrameOrder) {
        var random = SplitMix64(seed: 4)
        for _ in 0..<2_000 {
            let branches = Int.random(in: 1...5, using: &random)
            let outputs = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                PlacedOutput(
                    outputBranch: Int.random(in: 0..<branches, using: &random),
                    outputDirection: Int.random(in: 0..<4, using: &random) == 0 ? .upstream : .downstream,
                    outputFrameID: Int64.random(in: 1...12, using: &random), emission: 0)
            }
            #expect(ReleaseOrder.arrange(outputs, order) == oracle(outputs, order))
        }
    }

    @Test("C4: directions are deduplicated apart")
    func directions() {
        let outputs = [
            PlacedOutput(outputBranch: 0, outputDirection: .downstream, outputFrameID: 1, emission: 0),
            PlacedOutput(outputBranch: 1, outputDirection: .upstream, outputFrameID: 1, emission: 0),
            PlacedOutput(outputBranch: 1, outputDirection: .downstream, outputFrameID: 1, emission: 1),
        ]
        #expect(
            ReleaseOrder.arrange(outputs, .arrival) == [
                .init(output: 1, position: 0, duplicateOf: nil), .init(output: 0, position: 0, duplicateOf: nil),
                .init(output: 2, position: 0, duplicateOf: 0),
            ])
    }
}
