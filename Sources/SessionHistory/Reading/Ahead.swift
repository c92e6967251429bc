import Dispatch
import Synchronization

/// Work that is done on another thread, so that it is there when it is needed.
final class Ahead<Value: Sendable>: Sendable {
    private let group = DispatchGroup()
    /// Of no meaning until the work is done.
    private let outcome = Mutex<Result<Value, any Error>>(.failure(CancellationError()))

    /// Begins at once.
    init(_ work: @escaping @Sendable () throws -> Value) {
        DispatchQueue.global().async(group: group) {
            let result = Result(catching: work)
            self.outcome.withLock { $0 = result }
        }
    }

    /// Returns when the work is done.
    func wait() { group.wait() }

    /// Waits for the work.
    ///
    /// - Throws: what it threw.
    func result() throws -> Value {
        wait()
        return try outcome.withLock { $0 }.get()
    }
}
