import DequeModule

/// A `ParallelPipeline` in a running session.
final class ParallelNode: Node, @unchecked Sendable {
    var branches: [BranchNodes] = []
    private var passages: [Int64: Passage] = [:]
    /// The passages of frames, by frame id.
    private var passageOfFrame: [Int64: Int64] = [:]
    private var lastNumber: Int64 = 0

    /// Something that is on its way through all branches.
    private struct Passage {
        var item: Item
        var missing: Int
        /// Whether it comes out when all branches have passed it, instead of with the first.
        var isHeld: Bool
        var isOut = false
    }

    override func run() {
        while let item = systemInbox.popFirst() { send(item) }
        while let item = inbox.first {
            if item.direction == .downstream {
                if let full = ([next] + branches.map(\.entry)).first(where: { $0.isFull }) {
                    full.scheduleWhenRoom(self)
                    return
                }
            }
            _ = takeFromInbox()
            send(item)
        }
    }

    private func send(_ item: Item) {
        lastNumber += 1
        var passage = Passage(item: item, missing: branches.count, isHeld: true)
        var drains = false
        switch item {
        case .fence(let fence, _): drains = fence.drains
        case .frame(let frame, _, _):
            endOwnWork(for: frame)
            switch frame.type.role {
            case .start: break
            case .end, .stop: drains = true
            default: passage.isHeld = false
            }
            passageOfFrame[frame.header.id] = lastNumber
        }
        passages[lastNumber] = passage
        let fence = Fence(owner: self, number: lastNumber, isSystem: item.isSystem, drains: drains)
        for branch in branches {
            if case .frame = item { branch.enter(item, item.direction) }
            branch.enter(.fence(fence, item.direction), item.direction)
        }
    }

    override func receiveOutput(
        _ frame: any Frame, from branch: Int, _ direction: FrameDirection, _ origin: FrameOrigin?
    ) {
        if let number = passageOfFrame[frame.header.id], let passage = passages[number],
            passage.item.direction == direction
        {
            if passage.isHeld || passage.isOut { return }
            passages[number]?.isOut = true
        }
        forward(.frame(frame, direction, origin))
    }

    override func receiveBack(_ fence: Fence, from branch: Int, _ direction: FrameDirection) {
        guard var passage = passages[fence.number] else { return }
        passage.missing -= 1
        guard passage.missing == 0 else {
            passages[fence.number] = passage
            return
        }
        passages[fence.number] = nil
        if case .frame(let frame, _, _) = passage.item, passageOfFrame[frame.header.id] == fence.number {
            passageOfFrame[frame.header.id] = nil
        }
        if passage.isHeld { forward(passage.item) }
    }

    override func interrupt(by interrupter: Node?) {
        super.interrupt(by: interrupter)
        // Outside of stages the nodes inside interrupt themselves when the frame reaches them.
        if interruptsItself { return }
        for branch in branches { for node in branch.nodes { node.interrupt(by: interrupter) } }
    }

    override func cancel() {
        super.cancel()
        for branch in branches { for node in branch.nodes { node.cancel() } }
    }

    override var holder: String? { branches.lazy.compactMap(\.holder).first ?? super.holder }
}
