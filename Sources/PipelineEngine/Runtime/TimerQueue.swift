import HeapModule

/// Waits that end at a given time, by deadline and then by the order in which they began.
struct TimerQueue<Waiter> {
    /// A wait that was added, by which it can be cancelled.
    struct Ticket {
        fileprivate let slot: Int
        fileprivate let number: UInt64
    }

    private struct Entry: Comparable {
        let deadline: Int64
        let number: UInt64
        let slot: Int

        static func < (left: Entry, right: Entry) -> Bool {
            (left.deadline, left.number) < (right.deadline, right.number)
        }
    }

    private struct Slot {
        /// Of the wait that has the slot, or had it last.
        var number: UInt64
        /// nil when the wait is over.
        var waiter: Waiter?
    }

    /// May hold entries of waits that were cancelled: no more than of those that were not, and a few.
    private var heap = Heap<Entry>()
    // Not a dictionary by number: with a thousand live sessions, looking waits up by hash was a part of every frame.
    private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    private var nextNumber: UInt64 = 0

    /// The earliest deadline, nil if nothing waits.
    var earliest: Int64? {
        mutating get {
            while let first = heap.min {
                if isWaiting(first) { return first.deadline }
                heap.removeMin()
            }
            return nil
        }
    }

    private func isWaiting(_ entry: Entry) -> Bool {
        slots[entry.slot].number == entry.number && slots[entry.slot].waiter != nil
    }

    /// Adds a wait.
    @discardableResult
    mutating func add(deadline: Int64, _ waiter: Waiter) -> Ticket {
        let number = nextNumber
        nextNumber += 1
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
            slots[slot] = Slot(number: number, waiter: waiter)
        } else {
            slot = slots.count
            slots.append(Slot(number: number, waiter: waiter))
        }
        heap.insert(Entry(deadline: deadline, number: number, slot: slot))
        return Ticket(slot: slot, number: number)
    }

    /// Removes and returns the first wait if its deadline is not after `now`.
    mutating func popDue(at now: Int64) -> Waiter? {
        // Asked for with every step of a session: nearly always nothing is due, whether cancelled or not.
        while let next = heap.min, next.deadline <= now {
            heap.removeMin()
            if isWaiting(next) { return take(next.slot) }
        }
        return nil
    }

    /// Removes and returns a wait; nil if it has ended.
    mutating func cancel(_ ticket: Ticket) -> Waiter? {
        guard slots[ticket.slot].number == ticket.number, let waiter = take(ticket.slot) else { return nil }
        removeEnded()
        return waiter
    }

    /// Ends the waits of those who need wait no longer.
    mutating func removeAll(where isRemoved: (Waiter) -> Bool) {
        for slot in slots.indices {
            if let waiter = slots[slot].waiter, isRemoved(waiter) { _ = take(slot) }
        }
        removeEnded()
    }

    private mutating func take(_ slot: Int) -> Waiter? {
        guard let waiter = slots[slot].waiter.take() else { return nil }
        freeSlots.append(slot)
        return waiter
    }

    /// Forgets the entries of waits that were cancelled, when they are most of the heap.
    private mutating func removeEnded() {
        let waiting = slots.count - freeSlots.count
        if heap.count > 2 * waiting + 16 { heap = Heap(heap.unordered.filter(isWaiting)) }
    }
}
