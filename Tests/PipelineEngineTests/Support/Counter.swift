import NIOConcurrencyHelpers

/// Notes what happens, from any thread.
final class Counter: Sendable {
    private let noted = NIOLockedValueBox<[String]>([])

    var values: [String] { noted.withLockedValue { $0 } }
    var count: Int { values.count }

    func add(_ value: String) { noted.withLockedValue { $0.append(value) } }
}
