/// A 64-bit hash under a key (SipHash-2-4, by Aumasson and Bernstein): without the key nobody can check a guess of what was
/// hashed.
struct KeyedHash: Sendable {
    private let key0: UInt64
    private let key1: UInt64

    /// - Parameter key: at least 16 bytes; what is missing counts as 0.
    init(key: [UInt8]) {
        func word(_ start: Int) -> UInt64 {
            (0..<8).reduce(0) { $0 | (start + $1 < key.count ? UInt64(key[start + $1]) << UInt64(8 * $1) : 0) }
        }
        key0 = word(0)
        key1 = word(8)
    }

    func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var state = State(key0, key1)
        var offset = 0
        while offset + 8 <= bytes.count {
            state.add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            offset += 8
        }
        var last = UInt64(truncatingIfNeeded: bytes.count) << 56
        for index in offset..<bytes.count { last |= UInt64(bytes[index]) << UInt64(8 * (index - offset)) }
        state.add(last)
        return state.finish()
    }

    private struct State {
        var a: UInt64
        var b: UInt64
        var c: UInt64
        var d: UInt64

        init(_ key0: UInt64, _ key1: UInt64) {
            a = key0 ^ 0x736f_6d65_7073_6575
            b = key1 ^ 0x646f_7261_6e64_6f6d
            c = key0 ^ 0x6c79_6765_6e65_7261
            d = key1 ^ 0x7465_6462_7974_6573
        }

        @inline(__always)
        mutating func add(_ word: UInt64) {
            d ^= word
            round()
            round()
            a ^= word
        }

        mutating func finish() -> UInt64 {
            c ^= 0xff
            for _ in 0..<4 { round() }
            return a ^ b ^ c ^ d
        }

        @inline(__always)
        private mutating func round() {
            a = a &+ b
            b = rotate(b, 13) ^ a
            a = rotate(a, 32)
            c = c &+ d
            d = rotate(d, 16) ^ c
            a = a &+ d
            d = rotate(d, 21) ^ a
            c = c &+ b
            b = rotate(b, 17) ^ c
            c = rotate(c, 32)
        }

        @inline(__always)
        private func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }
    }
}
