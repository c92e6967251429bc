import PipelineEngine
import Testing

@testable import Replay

@Suite("Comparing a stage batch by batch")
struct StageComparisonTests {
    private func swapped(_ number: Int64) -> BatchBuilder {
        var builder = BatchBuilder(number)
        builder.output(1, "b", id: 11)
        builder.output(0, "a", id: 10)
        return builder
    }

    @Test("The summary counts what was compared, what differs and what was left out")
    func summary() {
        var comparison = StageComparison()
        _ = comparison.orders(of: swapped(1).released())
        var inOrder = BatchBuilder(2)
        inOrder.output(0, "a", id: 10)
        _ = comparison.orders(of: inOrder.released())
        var headless = swapped(3).released()
        headless.inbound = nil
        _ = comparison.orders(of: headless)
        _ = comparison.orders(of: swapped(4).open())

        var expected = ComparisonSummary()
        expected.batches = 2
        expected.differing = 1
        expected.inversions = 1
        expected.moved = 1
        expected.withoutHead = 1
        expected.open = 1
        #expect(comparison.summary == expected)
        var total = ComparisonSummary()
        total += expected
        total += expected
        #expect(total.batches == 4 && total.open == 2 && total.isDifferent)
    }

    @Test("Batches of two sessions are joined by number, gaps on either side included")
    func pairing() throws {
        var left = [1, 2, 4].map { swapped($0).released() }.makeIterator()
        var right = [2, 3, 4, 5].map { swapped($0).released() }.makeIterator()
        var pairs = BatchPairs({ left.next() }, { right.next() })
        var seen: [String] = []
        while let (a, b) = try pairs.next() { seen.append("\(a?.batch ?? 0)-\(b?.batch ?? 0)") }
        #expect(seen == ["1-0", "2-2", "0-3", "4-4", "0-5"])
    }

    @Test("Pairing one stream with an empty one ends")
    func pairingWithNothing() throws {
        var left = [1, 2].map { swapped($0).released() }.makeIterator()
        var pairs = BatchPairs({ left.next() }, { nil })
        var count = 0
        while let (a, b) = try pairs.next() {
            #expect(a != nil && b == nil)
            count += 1
        }
        #expect(count == 2)
    }

    @Test("A session against itself is the same")
    func same() {
        var comparison = StageComparison()
        _ = comparison.releases(swapped(1).released(), swapped(1).released())
        #expect(!comparison.summary.isDifferent)
        #expect(comparison.summary.batches == 1)
    }
}
