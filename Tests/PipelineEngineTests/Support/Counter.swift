import Synchronization

/// Notes what happens, from any thread.
final class Counter: Sendable {
    private let noted = Mutex<[String]>([])

    var values: [String] { noted.withLock { $0 } }
    var count: Int { values.count }

    func add(_ value: String) { noted.withLock { $0.append(value) } }
}
