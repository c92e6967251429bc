import Synchronization

/// A number that several threads share.
final class Counter: Sendable {
    private let count = Atomic<Int64>(0)

    @discardableResult
    func next() -> Int64 { count.add(1, ordering: .relaxed).newValue }

    var value: Int64 {
        get { count.load(ordering: .acquiring) }
        set { count.store(newValue, ordering: .releasing) }
    }
}
