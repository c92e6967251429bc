// swift-tools-version: 6.2
import PackageDescription

// Fuzzing needs what a package that others depend on may not have: unsafe flags. So it is one of its own.
// The fuzzed sources are links to those of the package, so that libFuzzer sees every branch in them.
let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .unsafeFlags(["-sanitize=fuzzer", "-parse-as-library", "-O"]),
]
let linkerSettings: [LinkerSetting] = [.unsafeFlags(["-sanitize=fuzzer"])]

let package = Package(
    name: "lockstep-fuzzing",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "lockstep", path: "../..")],
    targets: [
        .executableTarget(name: "DecoderFuzz", swiftSettings: swiftSettings, linkerSettings: linkerSettings),
        .executableTarget(
            name: "StreamFuzz", dependencies: [.product(name: "PipelineEngine", package: "lockstep")],
            swiftSettings: swiftSettings, linkerSettings: linkerSettings),
    ]
)
