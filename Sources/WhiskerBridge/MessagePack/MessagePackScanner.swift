/// Finds where a record ends, over bytes that arrive in pieces, looking at each byte once.
///
/// Enforces the limits before anything is decoded: a header that announces too much is an error at once, however few
/// bytes have come.
struct MessagePackScanner {
    /// The index behind the last header and payload taken; may lie behind the bytes that are there.
    private(set) var position: Int
    private var start: Int
    private let limits: WhiskerLimits
    /// How many values each open array or map still waits for, outermost first.
    private var awaited: [Int] = []
    private var values = 0
    private var isComplete = false

    init(from start: Int, limits: WhiskerLimits) {
        self.start = start
        position = start
        self.limits = limits
    }

    /// Follows the bytes to another place in their buffer.
    mutating func move(by distance: Int) {
        start += distance
        position += distance
    }

    /// Goes on over `bytes`: true when the record lies in them whole, up to `position`.
    mutating func advance(_ bytes: [UInt8]) throws(MessagePackError) -> Bool {
        while !isComplete {
            guard position <= bytes.count, let header = try MessagePackHeader(bytes, at: position) else { return false }
            let at = position
            values += 1
            position += header.length + header.payload
            guard position - start <= limits.recordBytes else {
                throw MessagePackError("a record larger than \(limits.recordBytes) bytes", at: at)
            }
            // Every value takes a byte at least, so that what is announced can be held against both limits.
            guard values + header.children <= limits.recordValues,
                position - start + header.children <= limits.recordBytes
            else {
                throw MessagePackError("a record of more than \(limits.recordValues) values", at: at)
            }
            if header.children > 0 {
                guard awaited.count < limits.recordDepth else {
                    throw MessagePackError("a record nested deeper than \(limits.recordDepth)", at: at)
                }
                awaited.append(header.children)
            } else {
                close()
            }
        }
        return position <= bytes.count
    }

    /// Takes one value off the innermost open array or map, and those that end with it.
    private mutating func close() {
        while let last = awaited.indices.last {
            awaited[last] -= 1
            if awaited[last] > 0 { return }
            awaited.removeLast()
        }
        isComplete = true
    }
}
