/// A node as another one sends to it.
///
/// `Unmanaged`: the session holds all nodes until it is over, and nothing is sent after that (`Node.forward`); counting references
/// would cost as much as the rest of a hop.
struct Neighbour {
    private let reference: Unmanaged<Node>

    init(_ node: Node) { reference = .passUnretained(node) }

    /// The node itself, for what is seldom asked of it.
    var node: Node { reference.takeUnretainedValue() }

    /// Hands an item over.
    @inline(__always)
    func receive(_ item: consuming Item) {
        // A closure cannot consume what it captures, but take it out of an optional.
        var item = Optional(item)
        reference._withUnsafeGuaranteedRef { node in
            if let item = item.take() { node.receive(item) }
        }
    }

    @inline(__always)
    func receiveOutput(_ item: consuming Item, from branch: Int) {
        var item = Optional(item)
        reference._withUnsafeGuaranteedRef { node in
            if let item = item.take() { node.receiveOutput(item, from: branch) }
        }
    }

    @inline(__always)
    func receiveBack(_ fence: Fence, from branch: Int, _ direction: FrameDirection) {
        reference._withUnsafeGuaranteedRef { $0.receiveBack(fence, from: branch, direction) }
    }

    /// Whether those who push downstream into the node have to wait (C19).
    @inline(__always)
    var isFull: Bool { reference._withUnsafeGuaranteedRef { $0.isFull } }

    @inline(__always)
    func runScheduled() { reference._withUnsafeGuaranteedRef { $0.runScheduled() } }
}
