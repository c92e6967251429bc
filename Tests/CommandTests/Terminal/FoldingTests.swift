import Testing

@testable import lockstep

@Suite("Folding long lists")
struct FoldingTests {
    private func notes(_ items: [Int], limit: Int = 6) -> [String] {
        items.folded(limit: limit, ==).map { place in
            switch place {
            case .item(let item): "\(item)"
            case .more(let count, let item): "\(count) more \(item)"
            }
        }
    }

    @Test("Runs longer than the limit become the first, a count and the last")
    func folding() {
        #expect(notes([1] + Array(repeating: 2, count: 7) + [3]) == ["1", "2", "5 more 2", "2", "3"])
        #expect(notes(Array(repeating: 2, count: 6)) == Array(repeating: "2", count: 6))
        #expect(notes([]) == [])
        #expect(notes(Array(repeating: 2, count: 100), limit: .max).count == 100)
    }
}
