import Foundation

/// Bytes in, lines out: holds the line under way.
struct LineBuffer: Sendable {
    enum Line: Equatable {
        /// Where the line stands in `bytes`, without its newline. Good until the next `append`.
        case range(Range<Int>)
        /// Longer than `limit`. What is left of it is passed over as it comes.
        case tooLong
    }

    /// The most bytes that a line may have; no more than that and one `append` is ever held.
    let limit: Int
    private(set) var bytes: [UInt8] = []
    /// Where the line under way begins, and up to where there is known to be no newline.
    private var start = 0
    private var searched = 0
    private var isFinished = false
    private var isPassingOver = false

    init(limit: Int) { self.limit = limit }

    mutating func append(_ more: some Collection<UInt8>) {
        if start > 0 {
            bytes.removeSubrange(..<start)
            searched -= start
            start = 0
        }
        bytes.append(contentsOf: more)
    }

    /// There are no more bytes: what is left is the last line.
    mutating func finish() { isFinished = true }

    /// The next whole line, nil when it takes more bytes.
    mutating func next() -> Line? {
        while true {
            guard let end = nextLineEnd() else {
                guard bytes.count - start > limit || isPassingOver else { return nil }
                let wasPassingOver = isPassingOver
                isPassingOver = !isFinished
                clear()
                return wasPassingOver ? nil : .tooLong
            }
            let range = start..<end
            start = min(end + 1, bytes.count)
            searched = start
            if isPassingOver {
                isPassingOver = false
                continue
            }
            return range.count > limit ? .tooLong : .range(range)
        }
    }

    /// Gives up what is held.
    mutating func clear() {
        bytes = []
        start = 0
        searched = 0
    }

    /// The index of the newline that ends the line under way, or the end of all when nothing follows.
    private mutating func nextLineEnd() -> Int? {
        let newline = bytes.withUnsafeBytes { bytes -> Int? in
            guard let base = bytes.baseAddress, searched < bytes.count,
                let found = memchr(base + searched, 0x0A, bytes.count - searched)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
        if let newline { return newline }
        searched = bytes.count
        return isFinished && start < bytes.count ? bytes.count : nil
    }
}
