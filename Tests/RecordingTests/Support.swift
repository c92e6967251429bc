import Foundation
import PipelineEngine

/// Events by hand.
enum Events {
    static func bypass(_ sequence: Int64, bytes: Int = 0) -> SessionEvent {
        var audio = OutputAudioRawFrame(
            audio: [UInt8](repeating: UInt8(sequence % 251), count: bytes), sampleRate: 8_000)
        audio.header = FrameHeader(id: sequence)
        return SessionEvent(
            sequence: sequence, time: sequence, kind: .bypass, frame: bytes > 0 ? audio : nil)
    }
}

/// A folder that goes with its test.
final class TestFolder: Sendable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("lockstep-\(UUID())").path

    init() { try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
}

/// The real `sqlite3` shell.
enum Shell {
    static func run(_ sql: String, on path: String) throws -> String {
        let session = try Session(path)
        return try session.end(sql)
    }

    /// One that stays open.
    final class Session {
        private let shell = Process()
        private let (input, output) = (Pipe(), Pipe())

        init(_ path: String) throws {
            shell.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            shell.arguments = ["sqlite3", "-bail", "-batch", path]
            shell.standardInput = input
            shell.standardOutput = output
            shell.standardError = output
            try shell.run()
        }

        var process: Int32 { shell.processIdentifier }

        /// The first piece of what it prints.
        func ask(_ sql: String) throws -> String {
            input.fileHandleForWriting.write(Data((sql + "\n").utf8))
            return String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
                .trimmingCharacters(in: .newlines)
        }

        @discardableResult
        func end(_ sql: String = "") throws -> String {
            input.fileHandleForWriting.write(Data(sql.utf8))
            try input.fileHandleForWriting.close()
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            shell.waitUntilExit()
            return text
        }
    }
}
