/// Two sequences of which some items correspond, side by side: what kept its place, what moved, what only one side has.
///
/// The items that stay are a longest run that both sides have in the same order, so that as few as possible count as
/// moved; they tie the two columns together. Costs O(n log n) time and O(n) memory.
struct SequenceAlignment: Sendable, Equatable {
    /// One line: an item of the left side, of the right side, or one of each that correspond and stay.
    enum Row: Sendable, Equatable {
        case kept(left: Int, right: Int)
        /// An item of the left side that the right side has elsewhere.
        case movedAway(left: Int, to: Int)
        /// The same item, at its place on the right side.
        case movedHere(right: Int, from: Int)
        case leftOnly(Int)
        case rightOnly(Int)
    }

    /// Both sides in their order: between two kept items first what left has there, then what right has.
    let rows: [Row]
    /// Pairs of corresponding items that the two sides have in opposite order.
    let inversions: Int
    /// Corresponding items outside of the longest common run.
    let moved: Int

    /// Aligns two sequences of `partners.count` and `rightCount` items.
    ///
    /// - Parameter partners: for each left item the index of the one right item that corresponds to it, nil for none.
    init(partners: [Int?], rightCount: Int) {
        let paired = partners.indices.filter { partners[$0] != nil }
        let targets = paired.map { partners[$0] ?? 0 }
        let staying = longestIncreasingRun(of: targets)

        var sources = [Int?](repeating: nil, count: rightCount)
        for left in paired { if let right = partners[left] { sources[right] = left } }

        var rows: [Row] = []
        rows.reserveCapacity(partners.count + rightCount - staying.count)
        var (left, right) = (0, 0)
        func passLeft(to end: Int) {
            while left < end {
                rows.append(partners[left].map { .movedAway(left: left, to: $0) } ?? .leftOnly(left))
                left += 1
            }
        }
        func passRight(to end: Int) {
            while right < end {
                rows.append(sources[right].map { .movedHere(right: right, from: $0) } ?? .rightOnly(right))
                right += 1
            }
        }
        for index in staying {
            passLeft(to: paired[index])
            passRight(to: targets[index])
            rows.append(.kept(left: left, right: right))
            left += 1
            right += 1
        }
        passLeft(to: partners.count)
        passRight(to: rightCount)

        self.rows = rows
        moved = paired.count - staying.count
        inversions = countInversions(in: targets)
    }
}

/// The indices of a longest strictly increasing subsequence, ascending (patience sorting, O(n log n)).
func longestIncreasingRun(of values: [Int]) -> [Int] {
    // `tails[k]` is the index of the smallest value that ends a run of length k + 1.
    var tails: [Int] = []
    var previous = [Int](repeating: -1, count: values.count)
    for index in values.indices {
        var (low, high) = (0, tails.count)
        while low < high {
            let middle = (low + high) / 2
            if values[tails[middle]] < values[index] { low = middle + 1 } else { high = middle }
        }
        if low > 0 { previous[index] = tails[low - 1] }
        if low == tails.count { tails.append(index) } else { tails[low] = index }
    }
    var run: [Int] = []
    run.reserveCapacity(tails.count)
    var index = tails.last ?? -1
    while index >= 0 {
        run.append(index)
        index = previous[index]
    }
    return run.reversed()
}

/// The number of pairs that stand in descending order (merge sort, O(n log n)).
func countInversions(in values: [Int]) -> Int {
    var values = values
    var buffer = values
    var inversions = 0
    var width = 1
    while width < values.count {
        var start = 0
        while start < values.count {
            let middle = min(start + width, values.count)
            let end = min(start + 2 * width, values.count)
            var (left, right) = (start, middle)
            for place in start..<end {
                if left < middle, right == end || values[left] <= values[right] {
                    buffer[place] = values[left]
                    left += 1
                } else {
                    buffer[place] = values[right]
                    inversions += middle - left
                    right += 1
                }
            }
            start = end
        }
        swap(&values, &buffer)
        width *= 2
    }
    return inversions
}
