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
        /// nil for a fence.
        let parcel: Parcel?
        let fence: Fence
        let direction: FrameDirection
        let origin: FrameOrigin
        var missing: Int
        /// Whether it comes out when all branches have passed it, instead of with the first.
        var isHeld: Bool
        var isOut = false

        init(_ item: borrowing Item, branches: Int) {
            parcel = item.parcel
            fence = item.fence
            direction = item.direction
            origin = item.origin
            missing = branches
            isHeld = item.isFence || [.start, .end, .stop].contains(item.role)
        }

        /// What went in.
        var item: Item { parcel.map { Item($0, direction, origin) } ?? Item(fence, direction) }
    }

    override func run() {
        while let item = systemInbox.popFirst() { send(item) }
        while !inbox.isEmpty {
            if inbox[0].direction == .downstream {
                if let full = ([next] + branches.map(\.entrance.first)).first(where: { $0.isFull }) {
                    full.node.scheduleWhenRoom(self)
                    return
                }
            }
            if let item = takeFromInbox() { send(item) }
        }
    }

    private func send(_ item: consuming Item) {
        lastNumber += 1
        passages[lastNumber] = Passage(item, branches: branches.count)
        guard let parcel = item.parcel else {
            let fence = Fence(number: lastNumber, isSystem: item.isSystem, drains: item.fence.drains)
            for branch in branches { branch.entrance.enter(Item(fence, item.direction)) }
            return
        }
        endOwnWork(for: parcel.role)
        passageOfFrame[parcel.id] = lastNumber
        let drains = parcel.role == .end || parcel.role == .stop
        let fence = Fence(number: lastNumber, isSystem: item.isSystem, drains: drains)
        for branch in branches {
            branch.entrance.enter(Item(parcel, item.direction, item.origin))
            branch.entrance.enter(Item(fence, item.direction))
        }
    }

    override func receiveOutput(_ item: consuming Item, from branch: Int) {
        if let number = passageOfFrame[item.id], let passage = passages[number],
            passage.direction == item.direction
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
        if let id = passage.parcel?.id, passageOfFrame[id] == fence.number { passageOfFrame[id] = nil }
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
