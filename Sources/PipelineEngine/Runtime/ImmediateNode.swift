import DequeModule

/// The node of a processor that never waits: called without a task.
final class ImmediateNode: Node, @unchecked Sendable {  // confined like every node
    private let immediate: any ImmediateProcessor
    @exclusivity(unchecked) private var output = FrameOutput()

    init(session: SessionCore, processor: any ImmediateProcessor, place: BranchPlace?) {
        immediate = processor
        super.init(session: session, processor: processor, place: place)
    }

    override func run() {
        while let item = systemInbox.popFirst() { handle(item) }
        while !inbox.isEmpty {
            if next.isFull, inbox[0].direction == .downstream {
                next.node.scheduleWhenRoom(self)
                return
            }
            guard let item = takeFromInbox() else { return }
            handle(item)
        }
    }

    private func handle(_ item: consuming Item) {
        if item.isFence { return forward(item) }
        let (direction, origin) = (item.direction, item.origin)
        guard let parcel = item.takeParcel() else { return }
        if parcel.role != .ordinary { endOwnWork(for: parcel.role) }
        var failure: (any Error)?
        do { try immediate.process(parcel.frame, direction: direction, into: &output) } catch { failure = error }
        while let pushed = output.items.popFirst() {
            if origin != .none, pushed.id == parcel.id {
                emit(Item(pushed, origin: origin))
            } else {
                emit(pushed)
            }
        }
        if let failure { fail(failure, handling: parcel) }
    }
}
