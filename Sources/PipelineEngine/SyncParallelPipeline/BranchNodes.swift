/// The nodes of one branch in a running session.
final class BranchNodes {
    /// In order, without source and sink; those of inner branches are not among them.
    let nodes: [Node]
    private let source: BranchEnd
    private let sink: BranchEnd
    /// Where items go in, in either direction.
    let entrance: BranchEntrance

    init(nodes: [Node], source: BranchEnd, sink: BranchEnd) {
        self.nodes = nodes
        self.source = source
        self.sink = sink
        entrance = BranchEntrance(first: Neighbour(nodes.first ?? sink), last: Neighbour(nodes.last ?? source))
        var before: Node = source
        for node in nodes + [sink] {
            Node.connect(before, node)
            before = node
        }
    }

    /// The processor that holds up a fence in this branch; nil if none does.
    var holder: String? {
        for node in nodes {
            if let holder = node.holder { return holder }
        }
        return nil
    }
}

/// Where items go into a branch: downstream ones at its source, upstream ones at its sink (C14).
struct BranchEntrance {
    let first: Neighbour
    let last: Neighbour

    func enter(_ item: consuming Item) { (item.direction == .downstream ? first : last).receive(item) }

    /// Sends a frame in, and a fence behind it.
    func enter(_ parcel: Parcel, _ direction: FrameDirection, before fence: Fence) {
        let node = direction == .downstream ? first : last
        node.receive(Item(parcel, direction))
        node.receive(Item(fence, direction))
    }
}

/// The source or sink of a branch: where its outputs reach the node that it belongs to. It never waits.
final class BranchEnd: Node, @unchecked Sendable {  // confined like every node
    private let owner: Neighbour
    private let branch: Int

    init(owner: Node, branch: Int, processor: (any FrameProcessor)?) {
        self.owner = Neighbour(owner)
        self.branch = branch
        super.init(session: owner.session, processor: processor, place: nil)
    }

    override func receive(_ item: consuming Item) {
        if item.isFence {
            owner.receiveBack(item.fence, from: branch, item.direction)
        } else {
            owner.receiveOutput(item, from: branch)
        }
    }
}
