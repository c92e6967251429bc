import Synchronization
import Testing

@testable import SessionHistory

@Suite struct AheadTests {
    /// Counts up to a number, and how far it got.
    private final class Counter: Sendable {
        let made = Mutex(0)
        let last: Int

        init(to last: Int) { self.last = last }

        func following(_ number: Int) -> Int? {
            guard number < last else { return nil }
            made.withLock { $0 = number + 1 }
            return number + 1
        }
    }

    @Test(arguments: [0, 1, 4, 5, 1000], [1, 4]) func givesAllInOrder(_ count: Int, _ limit: Int) throws {
        let counter = Counter(to: count)
        let ahead = Ahead(after: 0, limit: limit) { counter.following($0) }
        var numbers: [Int] = []
        while let number = try ahead.next() {
            numbers.append(number)
            #expect(counter.made.withLock { $0 } <= number + limit)
        }
        #expect(numbers == Array(1..<count + 1))
        #expect(try ahead.next() == nil)
        ahead.stop()
    }

    @Test(arguments: [0, 1, 3, 50]) func makesNoMoreOnceStopped(_ taken: Int) throws {
        let counter = Counter(to: .max)
        let ahead = Ahead(after: 0, limit: 2) { counter.following($0) }
        for number in 0..<taken { #expect(try ahead.next() == number + 1) }
        // Until there is no room for another.
        while counter.made.withLock({ $0 }) < taken + 2 {}
        ahead.stop()
        #expect(counter.made.withLock { $0 } == taken + 2)
    }

    @Test func anErrorComesBehindWhatWasMadeBeforeIt() throws {
        struct Broken: Error {}
        let ahead = Ahead(after: 0) { number in
            if number == 3 { throw Broken() }
            return number + 1
        }
        for number in 1...3 { #expect(try ahead.next() == number) }
        #expect(throws: Broken.self) { try ahead.next() }
        ahead.stop()
    }
}
