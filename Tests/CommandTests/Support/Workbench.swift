import Foundation
import Subprocess
import SystemPackage
import Testing

/// A folder of its own in which a test runs the built program as a user does.
final class Workbench: Sendable {
    let folder: FilePath

    /// What a program printed and how it ended.
    struct Outcome: Sendable {
        var code: Int32
        var output: String
        var errors: String
    }

    init() throws {
        let name = "lockstep-commands-\(UUID().uuidString.prefix(8))"
        let folder = URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent(name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        self.folder = FilePath(folder.resolvingSymlinksInPath().path)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder.string) }

    /// The built program: beside the tests, or where LOCKSTEP_BINARY says.
    static let program: String = {
        if let path = ProcessInfo.processInfo.environment["LOCKSTEP_BINARY"] { return path }
        let tests = FilePath(Bundle.main.executablePath ?? CommandLine.arguments[0])
        return tests.removingLastComponent().appending("lockstep").string
    }()

    /// The repository's folder.
    static let repository: FilePath = {
        var path = FilePath(#filePath)
        for _ in 0..<4 { path.removeLastComponent() }
        return path
    }()

    static func sample(_ path: String) -> String { repository.appending("samples").pushing(FilePath(path)).string }

    /// Runs `lockstep` in the folder.
    func lockstep(
        _ arguments: String..., input: String = "", environment: [String: String] = [:]
    ) async throws -> Outcome {
        try await run(Self.program, arguments, input: input, environment: environment)
    }

    func run(
        _ program: String, _ arguments: [String], input: String = "", environment: [String: String] = [:]
    ) async throws -> Outcome {
        let result = try await Subprocess.run(
            .path(FilePath(program)), arguments: Arguments(arguments), environment: Self.environment(environment),
            workingDirectory: folder, input: .string(input), output: .string(limit: 1 << 28),
            error: .string(limit: 1 << 26))
        return Outcome(
            code: result.terminationStatus.code, output: result.standardOutput, errors: result.standardError)
    }

    /// Asks the real sqlite3 shell; one line a row, columns separated by `|`.
    func sqlite(_ query: String, _ history: String = "lockstep.sqlite") async throws -> String {
        let result = try await Subprocess.run(
            .name("sqlite3"), arguments: ["-batch", "-bail", history, query], workingDirectory: folder,
            input: .none, output: .string(limit: 1 << 28), error: .string(limit: 1 << 20))
        try #require(result.terminationStatus.isSuccess, "\(result.standardError)")
        return result.standardOutput.trimmingCharacters(in: .newlines)
    }

    func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

    func write(_ bytes: [UInt8], to name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: folder.appending(name).string))
    }

    func read(_ name: String) throws -> String {
        // An absolute path stays what it is.
        String(
            decoding: try Data(contentsOf: URL(fileURLWithPath: folder.pushing(FilePath(name)).string)), as: UTF8.self)
    }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder.appending(name).string) }

    func permissions(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.appending(name).string)
        return attributes[.posixPermissions] as? Int ?? 0
    }

    /// As little as a user has: nothing that would make one machine's output differ from another's.
    static func environment(_ extra: [String: String] = [:]) -> Subprocess.Environment {
        var values: [Subprocess.Environment.Key: String] = [
            "TERM": "xterm-256color", "LANG": "C", "HOME": "/nonexistent",
        ]
        values["PATH"] = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        for (name, value) in extra { values[Subprocess.Environment.Key(stringLiteral: name)] = value }
        return .custom(values)
    }
}

extension TerminationStatus {
    /// As a shell tells it.
    var code: Int32 {
        switch self {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }
}
