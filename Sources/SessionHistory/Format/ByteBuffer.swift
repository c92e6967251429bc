/// Bytes that are written again and again without giving their memory back: scratch space of the writer.
///
/// Not for use by two threads at once.
///
/// `@exclusivity(unchecked)`, here and in what else the writer's thread runs for every event: the checks cost as much as the work,
/// and no closure that could reach these properties runs while one of them is changed.
final class ByteBuffer {
    @exclusivity(unchecked) private(set) var base: UnsafeMutableRawPointer
    @exclusivity(unchecked) private(set) var capacity: Int
    @exclusivity(unchecked) private(set) var count = 0

    init(capacity: Int) {
        self.capacity = capacity
        base = .allocate(byteCount: capacity, alignment: 8)
    }

    deinit { base.deallocate() }

    /// What was written in this range. Valid until the next write.
    func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
    }

    /// Forgets what was written. Memory beyond 1 MiB goes back, so that one huge frame is not paid for ever after.
    func removeAll() {
        count = 0
        if capacity > 1 << 20 {
            base.deallocate()
            capacity = 1 << 16
            base = .allocate(byteCount: capacity, alignment: 8)
        }
    }

    /// Forgets what was written from `end` on.
    func truncate(to end: Int) { count = end }

    @inline(__always)
    func reserve(_ additional: Int) {
        if count + additional > capacity { grow(additional) }
    }

    private func grow(_ additional: Int) {
        let larger = max(count + additional, capacity * 2)
        // Given back below by the next growth, or in `deinit`.
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 8)
        moved.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = moved
        capacity = larger
    }

    @inline(__always)
    func append(_ byte: UInt8) {
        reserve(1)
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    @inline(__always)
    func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count)
        (base + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    @inline(__always)
    func append(utf8 string: String) {
        var string = string
        string.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    @inline(__always)
    func append(_ literal: StaticString) {
        append(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }
}
