// swift-tools-version: 6.2
import PackageDescription

// Fuzzing needs what a package that others depend on may not have: unsafe flags. So it is one of its own.
// The fuzzed sources are links to those of the package, so that libFuzzer sees every branch in them.
let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .unsafeFlags(["-sanitize=fuzzer,address", "-parse-as-library", "-O"]),
]
let linkerSettings: [LinkerSetting] = [.unsafeFlags(["-sanitize=fuzzer,address"])]

let package = Package(
    name: "lockstep-fuzzing",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "lockstep", path: "../.."),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
    ],
    targets: [
        .executableTarget(name: "DecoderFuzz", swiftSettings: swiftSettings, linkerSettings: linkerSettings),
        .executableTarget(
            name: "FilesFuzz",
            dependencies: [
                .product(name: "PipelineEngine", package: "lockstep"), "Yams",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ], swiftSettings: swiftSettings, linkerSettings: linkerSettings),
        .executableTarget(
            name: "HistoryFuzz", dependencies: [.product(name: "PipelineEngine", package: "lockstep")],
            swiftSettings: swiftSettings, linkerSettings: linkerSettings),
        .executableTarget(
            name: "StreamFuzz", dependencies: [.product(name: "PipelineEngine", package: "lockstep")],
            swiftSettings: swiftSettings, linkerSettings: linkerSettings),
    ]
)
