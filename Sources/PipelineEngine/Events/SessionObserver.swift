/// Is told everything that happens in a session: the recorder's side of the engine.
public protocol SessionObserver: AnyObject, Sendable {
    /// One event. Called on the session's executor, in the order of `sequence`, never concurrently for one session;
    /// it holds up the pipeline while it runs.
    func observe(_ event: consuming SessionEvent)

    /// Whether the observer has more unfinished work than it wants. While it is, the session takes no new input (C19).
    var isCongested: Bool { get }

    /// Returns when `isCongested` is false again, or at once if it is.
    func waitWhileCongested() async
}

extension SessionObserver {
    public var isCongested: Bool { false }
    public func waitWhileCongested() async {}
}
