import ArgumentParser

/// Kills recordings and cuts their power, and looks at what is left: see docs/RELIABILITY.md.
@main
struct Crashes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Kill recordings, cut their power, and check what is left of their histories.",
        subcommands: [KillCommand.self, PowerCommand.self, VictimCommand.self])
}

/// Something that a history promises was not kept.
struct Broken: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// SplitMix64: the same numbers for the same seed.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
