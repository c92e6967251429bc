import HeapModule

/// Waits that end at a given time, by deadline and then by the order in which they began.
struct TimerQueue<Waiter> {
    private struct Entry: Comparable {
        let deadline: Int64
        let number: UInt64

        static func < (left: Entry, right: Entry) -> Bool {
            (left.deadline, left.number) < (right.deadline, right.number)
        }
    }

    /// May hold entries of waits that were cancelled: fewer than those that were not, or a few.
    private var heap = Heap<Entry>()
    private var waiters: [UInt64: (waiter: Waiter, deadline: Int64)] = [:]
    private var nextNumber: UInt64 = 0

    /// The earliest deadline, nil if nothing waits.
    var earliest: Int64? {
        mutating get {
            while let first = heap.min {
                if waiters[first.number] != nil { return first.deadline }
                heap.removeMin()
            }
            return nil
        }
    }

    /// Adds a wait and returns the number by which it can be cancelled.
    mutating func add(deadline: Int64, _ waiter: Waiter) -> UInt64 {
        let number = nextNumber
        nextNumber += 1
        heap.insert(Entry(deadline: deadline, number: number))
        waiters[number] = (waiter, deadline)
        return number
    }

    /// Removes and returns the first wait if its deadline is not after `now`.
    mutating func popDue(at now: Int64) -> Waiter? {
        // Asked for with every step of a session: nearly always nothing is due, whether cancelled or not.
        guard let next = heap.min, next.deadline <= now else { return nil }
        guard let earliest, earliest <= now, let first = heap.popMin() else { return nil }
        return waiters.removeValue(forKey: first.number)?.waiter
    }

    /// Removes and returns the wait with this number; nil if it has ended.
    mutating func cancel(_ number: UInt64) -> Waiter? {
        let removed = waiters.removeValue(forKey: number)?.waiter
        if heap.count > 2 * waiters.count + 16 {
            heap = Heap(waiters.map { Entry(deadline: $0.value.deadline, number: $0.key) })
        }
        return removed
    }

    /// Ends the waits of those who need wait no longer.
    mutating func removeAll(where isRemoved: (Waiter) -> Bool) {
        for (number, entry) in waiters where isRemoved(entry.waiter) { _ = cancel(number) }
    }
}
