@testable import WhiskerBridge

/// The same numbers for the same seed, everywhere.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

extension MessagePackValue {
    static func random(depth: Int, _ random: inout SeededRandom) -> MessagePackValue {
        let count = Int.random(in: 0...20, using: &random)
        switch Int.random(in: 0..<(depth > 0 ? 10 : 8), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2:
            return .integer(Int64.random(in: .min ... .max, using: &random) >> Int.random(in: 0...63, using: &random))
        case 3: return .large(UInt64.random(in: (1 << 63) ... .max, using: &random))
        case 4: return .number(.random(in: -1e9...1e9, using: &random))
        case 5: return .string(String(repeating: "ä", count: count))
        case 6: return .bytes((0..<count).map { _ in .random(in: 0...255, using: &random) })
        case 7: return .extended(.random(in: -128...127, using: &random), Array(repeating: 7, count: count))
        case 8: return .array((0..<count).map { _ in .random(depth: depth - 1, &random) })
        default:
            return .map(
                (0..<count).map { Entry(.integer(Int64($0)), .random(depth: depth - 1, &random)) })
        }
    }

    /// Whether comparing it with itself fails.
    var hasNaN: Bool {
        switch self {
        case .number(let value): value.isNaN
        case .array(let values): values.contains(where: \.hasNaN)
        case .map(let entries): entries.contains { $0.key.hasNaN || $0.value.hasNaN }
        default: false
        }
    }
}

extension [UInt8] {
    /// One small damage.
    mutating func mutate(_ random: inout SeededRandom) {
        guard !isEmpty else { return append(.random(in: 0...255, using: &random)) }
        let place = Int.random(in: 0..<count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: self[place] = .random(in: 0...255, using: &random)
        case 1: self[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
        case 2: remove(at: place)
        case 3: insert(.random(in: 0x80...0xff, using: &random), at: place)
        default: removeSubrange(place..<Swift.min(count, place + Int.random(in: 1...30, using: &random)))
        }
    }
}
