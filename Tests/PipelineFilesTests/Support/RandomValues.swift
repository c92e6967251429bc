import PipelineEngine

@testable import PipelineFiles

/// Arbitrary values for property tests, the same for the same seed.
struct RandomValues {
    var generator: SplitMix64

    init(seed: UInt64) { generator = SplitMix64(state: seed) }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }

    mutating func text() -> String {
        let pieces = [
            "", "a", "\u{0}", "\"", "\\", "/", "\n", "\u{1F600}", "ß", "日本", "\u{7F}", "{x}", "$", "\u{FEFF}", "\r\n",
        ]
        return (0..<below(6)).map { _ in pieces[below(pieces.count)] }.joined()
    }

    mutating func bytes() -> [UInt8] { (0..<below(9)).map { _ in UInt8(below(256)) } }

    mutating func number() -> Double {
        let special = [
            0.5, -0.0, 1e300, -1e-300, .leastNonzeroMagnitude, .pi, 1e16, 123456789.125, .greatestFiniteMagnitude,
        ]
        return special[below(special.count)]
    }

    mutating func integer() -> Int64 {
        let special: [Int64] = [0, 1, -1, 9, 10, 99, -10, .max, .min, 1 << 53 + 1]
        return special[below(special.count)]
    }

    mutating func value(depth: Int = 3) -> FieldValue {
        switch below(depth > 0 ? 8 : 6) {
        case 0: return .null
        case 1: return .bool(below(2) == 0)
        case 2: return .integer(integer())
        case 3: return .number(number())
        case 4: return .string(text())
        case 5: return .bytes(bytes())
        case 6: return .array((0..<below(4)).map { _ in value(depth: depth - 1) })
        default: return .object(fields(depth: depth - 1))
        }
    }

    mutating func fields(depth: Int = 3) -> FrameFields {
        let names = ["a", "type", "$base64", "$$base64", "stage", "text", "id", "é", "$fields", ""]
        var fields = FrameFields()
        for _ in 0..<below(4) { fields[names[below(names.count)]] = value(depth: depth) }
        return fields
    }
}
