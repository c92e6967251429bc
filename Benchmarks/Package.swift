// swift-tools-version: 6.2
import PackageDescription

// A plain executable: see README.md for why.
let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "lockstep", path: "..")],
    targets: [
        // The SQLite that lockstep links, for the floor.
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "CSQLite",
                .product(name: "PipelineEngine", package: "lockstep"),
                .product(name: "Recording", package: "lockstep"),
                .product(name: "SessionHistory", package: "lockstep"),
                .product(name: "Replay", package: "lockstep"),
            ],
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .treatAllWarnings(as: .error),
            ]),
    ]
)
