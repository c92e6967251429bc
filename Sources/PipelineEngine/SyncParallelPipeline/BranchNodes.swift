/// The nodes of one branch in a running session.
final class BranchNodes {
    /// In order, without source and sink; those of inner branches are not among them.
    let nodes: [Node]
    private let source: BranchEnd
    private let sink: BranchEnd
    /// Where items go in, in either direction. `unowned(unsafe)`: see `Node.next`.
    private unowned(unsafe) let first: Node
    private unowned(unsafe) let last: Node

    init(nodes: [Node], source: BranchEnd, sink: BranchEnd) {
        self.nodes = nodes
        self.source = source
        self.sink = sink
        first = nodes.first ?? sink
        last = nodes.last ?? source
        var before: Node = source
        for node in nodes + [sink] {
            before.next = node
            node.previous = before
            before = node
        }
    }

    /// Sends an item in: downstream at the source, upstream at the sink (C14).
    func enter(_ item: consuming Item) {
        if item.direction == .downstream { first.receive(item) } else { last.receive(item) }
    }

    /// Sends a frame in, and the fence behind it.
    func enter(_ item: consuming Item, _ fence: consuming Item) {
        let node = item.direction == .downstream ? first : last
        node.receive(item)
        node.receive(fence)
    }

    /// The node through which downstream items enter.
    var entry: Node { first }

    /// The processor that holds up a fence in this branch; nil if none does.
    var holder: String? {
        for node in nodes {
            if let holder = node.holder { return holder }
        }
        return nil
    }
}

/// The source or sink of a branch: where its outputs reach the node that it belongs to. It never waits.
final class BranchEnd: Node, @unchecked Sendable {  // confined like every node
    /// `unowned(unsafe)`: see `Node.next`.
    private unowned(unsafe) let owner: Node
    private let branch: Int

    init(owner: Node, branch: Int, processor: (any FrameProcessor)?) {
        self.owner = owner
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
