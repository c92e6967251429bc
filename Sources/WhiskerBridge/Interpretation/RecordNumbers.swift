/// Watches Whisker's running numbers for records that did not come.
///
/// Workers write at the same time and may overtake each other by a little, so a number counts as missing when so many
/// others have come without it; while there is one worker only, at once.
struct RecordNumbers: Sendable {
    private static let patience: Int64 = 64

    private var highest: Int64 = 0
    private var missing: Set<Int64> = []
    private var workers: Set<String> = []
    private(set) var missed: Int64 = 0

    /// Numbers that are missing for good.
    struct Gap: Sendable, Hashable {
        var after: Int64
        var count: Int64
    }

    mutating func take(_ number: Int64, from worker: String) -> Gap? {
        guard number > 0 else { return nil }
        if workers.count < 2 { workers.insert(worker) }
        defer { highest = max(highest, number) }
        if missing.remove(number) != nil || highest == 0 || number <= highest { return nil }
        var gap: Gap?
        let skipped = number - highest - 1
        if skipped > 0 {
            if workers.count > 1, skipped <= Self.patience {
                missing.formUnion(highest + 1..<number)
            } else {
                gap = Gap(after: highest, count: skipped)
            }
        }
        let overdue = missing.filter { $0 + Self.patience < number }
        if let first = overdue.min() {
            missing.subtract(overdue)
            gap = Gap(after: min(first - 1, gap?.after ?? .max), count: Int64(overdue.count) + (gap?.count ?? 0))
        }
        missed += gap?.count ?? 0
        return gap
    }
}
