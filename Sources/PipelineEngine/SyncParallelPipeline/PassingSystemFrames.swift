/// The inbound system frames whose copies are on their way through the branches, by id (C7).
///
/// An id is kept until the fences behind the frame are back from all branches. A processor that forwards a system frame
/// from a task of its own may do so later still: the ids of the last `memory` frames are remembered for that, and no more.
struct PassingSystemFrames {
    private static let memory = 256

    private var underWay: [Int64: (id: Int64, copies: Int)] = [:]
    private var ids: [Int64: Int] = [:]
    private var recent: [Int64] = []
    private var oldest = 0
    private var lastNumber: Int64 = 0

    /// Adds a frame of which every branch gets a copy, and returns the number for the fence behind it.
    mutating func add(_ id: Int64, copies: Int) -> Int64 {
        lastNumber += 1
        underWay[lastNumber] = (id, copies)
        ids[id, default: 0] += 1
        return lastNumber
    }

    /// Whether a frame of this id came from outside.
    func contains(_ id: Int64) -> Bool { !ids.isEmpty && ids[id] != nil }

    /// One branch has given back the fence of this number.
    mutating func passed(_ number: Int64) {
        guard let entry = underWay[number] else { return }
        if entry.copies > 1 {
            underWay[number] = (entry.id, entry.copies - 1)
            return
        }
        underWay[number] = nil
        if recent.count < Self.memory {
            recent.append(entry.id)
            return
        }
        forget(recent[oldest])
        recent[oldest] = entry.id
        oldest = (oldest + 1) % Self.memory
    }

    private mutating func forget(_ id: Int64) {
        guard let count = ids[id] else { return }
        ids[id] = count > 1 ? count - 1 : nil
    }
}
