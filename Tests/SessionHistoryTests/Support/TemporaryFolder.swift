import Foundation

/// A folder that goes with its test.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "lockstep-" + UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    /// What is in it: names, and a mark of each file's content.
    func listing() throws -> [String: Data] {
        var listing: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            listing[name] = FileManager.default.contents(atPath: file(name)) ?? Data()
        }
        return listing
    }
}
