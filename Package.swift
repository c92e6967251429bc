// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "lockstep",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "lockstep", targets: ["lockstep"]),
        .library(name: "PipelineEngine", targets: ["PipelineEngine"]),
        .library(name: "Recording", targets: ["Recording"]),
        .library(name: "SessionHistory", targets: ["SessionHistory"]),
        .library(name: "Replay", targets: ["Replay"]),
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    ],
    targets: [
        // The way of a frame: the engine runs it, Recording writes it down, SessionHistory keeps it, Replay reruns it.
        .target(
            name: "PipelineEngine",
            dependencies: [
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .target(
            name: "PipelineFiles",
            dependencies: [
                "PipelineEngine", "Yams",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),
        .target(
            name: "Migrations", path: "migrations",
            resources: [
                .embedInCode("0001_sessions.sql"), .embedInCode("0002_views.sql"), .embedInCode("0003_runs.sql"),
                .embedInCode("0004_patterns.sql"),
            ],
            swiftSettings: strict),
        .target(
            name: "SessionHistory",
            dependencies: [
                "PipelineEngine", "Migrations", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: strict),
        .target(
            name: "Recording",
            dependencies: [
                "PipelineEngine", "SessionHistory",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(name: "Replay", dependencies: ["PipelineEngine", "SessionHistory"], swiftSettings: strict),
        .target(
            name: "WhiskerBridge",
            dependencies: [
                "PipelineEngine",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "lockstep",
            dependencies: [
                "PipelineEngine", "PipelineFiles", "SessionHistory", "Recording", "Replay", "WhiskerBridge",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        // Kills recordings and cuts their power: see docs/RELIABILITY.md. Not installed.
        .target(name: "CFaultVFS", path: "Tests/Crashes/CFaultVFS", linkerSettings: [.linkedLibrary("sqlite3")]),
        .executableTarget(
            name: "crashes",
            dependencies: [
                "CFaultVFS", "PipelineEngine", "Recording", "SessionHistory", "Migrations",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/Crashes/Crashes", swiftSettings: strict),
        .testTarget(
            name: "PipelineEngineTests",
            dependencies: ["PipelineEngine", .product(name: "NIOConcurrencyHelpers", package: "swift-nio")],
            swiftSettings: strict),
        .testTarget(
            name: "PipelineFilesTests", dependencies: ["PipelineFiles", "PipelineEngine"], swiftSettings: strict),
        .testTarget(
            name: "SessionHistoryTests", dependencies: ["SessionHistory", "PipelineEngine"], swiftSettings: strict),
        .testTarget(
            name: "RecordingTests", dependencies: ["Recording", "SessionHistory", "PipelineEngine", "CFaultVFS"],
            swiftSettings: strict),
        .testTarget(
            name: "ReplayTests", dependencies: ["Replay", "SessionHistory", "Recording", "PipelineEngine"],
            swiftSettings: strict),
        .testTarget(
            name: "WhiskerBridgeTests",
            dependencies: [
                "WhiskerBridge", "PipelineEngine",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            resources: [.copy("Resources")],
            swiftSettings: strict),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "lockstep",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ], exclude: ["Goldens"], swiftSettings: strict),
    ]
)

// The thread sanitizer's build (make sanitize) is of the engine and its tests: the others would be built for nothing.
if Context.environment["LOCKSTEP_ENGINE_ONLY"] != nil {
    package.targets.removeAll { !$0.name.hasPrefix("PipelineEngine") }
    package.products.removeAll { $0.name != "PipelineEngine" }
}
