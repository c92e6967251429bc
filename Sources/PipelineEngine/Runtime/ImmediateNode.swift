import DequeModule

/// The node of a processor that never waits: called without a task.
final class ImmediateNode: Node, @unchecked Sendable {
    private let immediate: any ImmediateProcessor
    private var output = FrameOutput()

    init(session: SessionCore, processor: any ImmediateProcessor, place: BranchPlace?) {
        immediate = processor
        super.init(session: session, processor: processor, place: place)
    }

    override func run() {
        while let item = systemInbox.popFirst() { handle(item) }
        while !inbox.isEmpty {
            if inbox.first?.direction == .downstream, next.isFull {
                next.scheduleWhenRoom(self)
                return
            }
            guard let item = takeFromInbox() else { return }
            handle(item)
        }
    }

    private func handle(_ item: Item) {
        guard case .frame(let frame, let direction, let origin) = item else { return forward(item) }
        endOwnWork(for: frame)
        var failure: (any Error)?
        do { try immediate.process(frame, direction: direction, into: &output) } catch { failure = error }
        for (pushed, direction) in output.frames {
            emit(pushed, direction, pushed.header.id == frame.header.id ? origin : nil)
        }
        output.frames.removeAll(keepingCapacity: true)
        if let failure { fail(failure, handling: frame) }
    }
}
