import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A bot of Tests/pipecat, running in a process of its own with a WhiskerServer on loopback.
final class RealBot: Sendable {
    /// Why there is no bot, and what to do about it.
    struct Missing: Error, CustomStringConvertible {
        var description: String
    }

    let port: Int
    let truth: URL
    private let process: Process

    /// Returns when the bot's server listens.
    static func start(_ name: String, port: Int? = nil, _ options: String...) async throws -> RealBot {
        let free = try await freePort()
        let bot = try RealBot(name, port: port ?? free, options)
        try await bot.untilReady()
        return bot
    }

    /// The bot of samples/pipecat, as its README says to run it; its server listens a little later.
    static func sample(_ options: [String]) async throws -> RealBot {
        let (python, folder) = try installation()
        let port = try await freePort()
        return try RealBot(
            python, in: folder.appending(path: "../../samples/pipecat").standardized, ["bot.py"] + options, port: port,
            ["PIPECAT_SETUP_FILES": "whisker_setup.py", "WHISKER_PORT": "\(port)"])
    }

    private let output = Pipe()

    private convenience init(_ name: String, port: Int, _ options: [String]) throws {
        let (python, folder) = try RealBot.installation()
        try self.init(python, in: folder, ["bot.py", name, "--port", "\(port)"] + options, port: port)
    }

    private init(
        _ python: URL, in folder: URL, _ arguments: [String], port: Int, _ environment: [String: String] = [:]
    ) throws {
        self.port = port
        truth = FileManager.default.temporaryDirectory.appending(path: "lockstep-truth-\(UUID()).jsonl")
        process = Process()
        process.executableURL = python
        process.currentDirectoryURL = folder
        process.arguments = arguments + (environment.isEmpty ? ["--truth", truth.path] : [])
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
            .merging(["PYTHONDONTWRITEBYTECODE": "1"]) { $1 }
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    private func untilReady() async throws {
        let (lines, continuation) = AsyncStream<Data>.makeStream()
        output.fileHandleForReading.readabilityHandler = { handle in
            let data = handle.availableData
            if data.isEmpty { continuation.finish() } else { continuation.yield(data) }
        }
        defer { output.fileHandleForReading.readabilityHandler = nil }
        var read = Data()
        for await data in lines {
            read += data
            if String(decoding: read, as: UTF8.self).contains("ready") { return }
        }
        throw Missing(description: "the bot ended before its WhiskerServer listened; run Tests/pipecat/bot.py by hand")
    }

    /// Ends it as a crash would.
    func kill() {
        #if canImport(Glibc)
            _ = Glibc.kill(process.processIdentifier, SIGKILL)
        #else
            process.terminate()
        #endif
    }

    /// What its stages let go so far, by the stage's name.
    func released() throws -> [String: [String]] {
        let lines = try BotLine.read(truth, wholeOnly: true)
        return Dictionary(grouping: lines.filter { $0.what == "out" }, by: \.stage)
            .mapValues { $0.map { ($0.direction == "upstream" ? "^" : "") + $0.frame } }
    }

    deinit {
        if process.isRunning { kill() }
        try? FileManager.default.removeItem(at: truth)
    }

    /// The environment's Python, and the folder of the bots.
    private static func installation() throws -> (python: URL, folder: URL) {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../pipecat").standardized
        let given = ProcessInfo.processInfo.environment["LOCKSTEP_PIPECAT_VENV"]
        let environment = given.map { URL(filePath: $0) } ?? folder.appending(path: "../../.venv").standardized
        let python = environment.appending(path: "bin/python")
        guard FileManager.default.isExecutableFile(atPath: python.path) else {
            throw Missing(
                description:
                    "there is no Pipecat in \(environment.path); run Tests/pipecat/setup.sh, as make test does, "
                    + "or say with LOCKSTEP_PIPECAT_VENV where it is")
        }
        return (python, folder)
    }

    /// Runs one of the scripts beside the bots, and gives what it prints.
    static func python(_ script: String, _ arguments: String...) throws -> String {
        let (python, folder) = try installation()
        let process = Process()
        let output = Pipe()
        process.executableURL = python
        process.currentDirectoryURL = folder
        process.arguments = [script] + arguments
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    /// A port that nobody listens at.
    static func freePort() async throws -> Int {
        let peer = try await Peer.start { _ in }
        try await peer.stop()
        return peer.port
    }
}
