import Testing

@testable import Replay

@Suite("Aligning two sequences")
struct SequenceAlignmentTests {
    @Test("What stays is a longest common run, whatever the order")
    func agreesWithExhaustiveSearch() {
        for values in permutations(of: [0, 1, 2, 3, 4, 5]) {
            let run = longestIncreasingRun(of: values)
            #expect(run == run.sorted())
            #expect(zip(run, run.dropFirst()).allSatisfy { values[$0] < values[$1] })
            #expect(run.count == longestRunBySearch(values))
        }
    }

    @Test("Inversions are the pairs in opposite order")
    func inversionsAgreeWithCountingPairs() {
        for values in permutations(of: [0, 1, 2, 3, 4, 5]) + [[], [0], [3, 3, 1], [1, 1, 1]] {
            var pairs = 0
            for i in values.indices { for j in values.indices where i < j && values[i] > values[j] { pairs += 1 } }
            #expect(countInversions(in: values) == pairs)
        }
    }

    @Test("One frame that goes to the front is one move, and the others keep their rows")
    func lastToFront() {
        let alignment = SequenceAlignment(partners: [1, 2, 3, 0], rightCount: 4)
        #expect(
            alignment.rows == [
                .movedHere(right: 0, from: 3), .kept(left: 0, right: 1), .kept(left: 1, right: 2),
                .kept(left: 2, right: 3), .movedAway(left: 3, to: 0),
            ])
        #expect(alignment.moved == 1)
        #expect(alignment.inversions == 3)
    }

    @Test("What only one side has stands between what both have")
    func missingAndExtra() {
        let alignment = SequenceAlignment(partners: [0, nil, 2], rightCount: 4)
        #expect(
            alignment.rows == [
                .kept(left: 0, right: 0), .leftOnly(1), .rightOnly(1), .kept(left: 2, right: 2), .rightOnly(3),
            ])
        #expect(alignment.moved == 0)
    }

    @Test("Every item has its rows, in the order of its side", arguments: 0..<200)
    func completeness(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let leftCount = Int.random(in: 0..<12, using: &random)
        let rightCount = Int.random(in: 0..<12, using: &random)
        var targets = Array((0..<rightCount).shuffled(using: &random))
        let partners: [Int?] = (0..<leftCount).map { _ in
            Bool.random(using: &random) ? targets.popLast() : nil
        }
        let alignment = SequenceAlignment(partners: partners, rightCount: rightCount)
        let left = alignment.rows.compactMap { row -> Int? in
            switch row {
            case .kept(let left, _), .movedAway(let left, _), .leftOnly(let left): left
            case .movedHere, .rightOnly: nil
            }
        }
        let right = alignment.rows.compactMap { row -> Int? in
            switch row {
            case .kept(_, let right), .movedHere(let right, _), .rightOnly(let right): right
            case .movedAway, .leftOnly: nil
            }
        }
        #expect(left == Array(0..<leftCount))
        #expect(right == Array(0..<rightCount))
        for row in alignment.rows {
            if case .kept(let left, let right) = row { #expect(partners[left] == right) }
            if case .movedHere(let right, let left) = row { #expect(partners[left] == right) }
        }
    }

    private func longestRunBySearch(_ values: [Int]) -> Int {
        (0..<(1 << values.count)).map { mask in
            let chosen = values.indices.filter { mask >> $0 & 1 == 1 }.map { values[$0] }
            return chosen == chosen.sorted() ? chosen.count : 0
        }.max() ?? 0
    }
}
