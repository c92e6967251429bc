import DequeModule

/// A `ParallelPipeline` in a running session.
final class ParallelNode: Node, @unchecked Sendable {  // confined like every node
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
        while !inbox.isEmpty {
            if inbox[0].direction == .downstream {
                if let full = ([next] + branches.map(\.entry)).first(where: { $0.isFull }) {
                    full.scheduleWhenRoom(self)
                    return
                }
            }
            if let item = takeFromInbox() { send(item) }
        }
    }

    private func send(_ item: Item) {
        lastNumber += 1
        var passage = Passage(item: item, missing: branches.count, isHeld: true)
        var drains = false
        if !item.isFence {
            endOwnWork(for: item.role)
            switch item.role {
            case .start: break
            case .end, .stop: drains = true
            default: passage.isHeld = false
            }
            passageOfFrame[item.id] = lastNumber
        } else {
            drains = item.fence.drains
        }
        passages[lastNumber] = passage
        let fence = Fence(number: lastNumber, isSystem: item.isSystem, drains: drains)
        for branch in branches {
            if !item.isFence { branch.enter(item) }
            branch.enter(Item(fence, item.direction))
        }
    }

    override func receiveOutput(_ item: consuming Item, from branch: Int) {
        if let number = passageOfFrame[item.id], let passage = passages[number],
            passage.item.direction == item.direction
        {
            if passage.isHeld || passage.isOut { return }
            passages[number]?.isOut = true
        }
        forward(item)
    }

    override func receiveBack(_ fence: Fence, from branch: Int, _ direction: FrameDirection) {
        guard var passage = passages[fence.number] else { return }
        passage.missing -= 1
        guard passage.missing == 0 else {
            passages[fence.number] = passage
            return
        }
        passages[fence.number] = nil
        let id = passage.item.id
        if passageOfFrame[id] == fence.number { passageOfFrame[id] = nil }
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
