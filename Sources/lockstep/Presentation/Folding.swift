/// A place in a list that is too long to be read: an item, or what stands for many that are like it.
enum Folded<Item> {
    case item(Item)
    /// So many more that are like the one before.
    case more(Int, like: Item)
}

extension Sequence {
    /// The list with every run of more than `limit` items that are alike, each like the one before it, reduced to the first,
    /// a count, and the last.
    func folded(limit: Int = 6, _ areAlike: (Element, Element) -> Bool) -> [Folded<Element>] {
        var folded: [Folded<Element>] = []
        var run: [Element] = []
        func close() {
            if run.count > limit {
                folded += [.item(run[0]), .more(run.count - 2, like: run[0]), .item(run[run.count - 1])]
            } else {
                folded += run.map(Folded.item)
            }
            run.removeAll(keepingCapacity: true)
        }
        for item in self {
            if let last = run.last, !areAlike(last, item) { close() }
            run.append(item)
        }
        close()
        return folded
    }
}
