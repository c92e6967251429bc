import Synchronization

/// Where new frames get their ids: a running number from 1.
///
/// A frame that is created inside a session takes its id from that session, so that the same session gives the same
/// ids every time (C18). A frame created elsewhere takes one from `shared`, whose numbers lie above those of any
/// session, so that the two never meet.
public final class FrameIdentity: Sendable {
    /// For frames created outside of a session.
    public static let shared = FrameIdentity(first: 1 << 48)

    /// The source of the session that the caller runs in; `shared` outside of sessions.
    @TaskLocal public static var current: FrameIdentity = shared

    private let last: Atomic<Int64>

    public init(first: Int64 = 1) { last = Atomic(first - 1) }

    /// The next id.
    public func next() -> Int64 { last.add(1, ordering: .relaxed).newValue }

    /// Leaves out every number up to `id`: for sources that bring ids of their own.
    public func skip(past id: Int64) { last.max(id, ordering: .relaxed) }

    /// Gives frames created in `body`, and in tasks that it starts, ids of this source.
    public func use<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        // The task-local's own `withValue` rethrows untyped; carrying the outcome keeps the error's type.
        let outcome = FrameIdentity.$current.withValue(self) { () -> Swift.Result<Result, Failure> in
            do throws(Failure) { return .success(try body()) } catch { return .failure(error) }
        }
        return try outcome.get()
    }
}
