import Subprocess
import SystemPackage
import Testing

extension Workbench {
    /// A running `lockstep`, spoken to while it runs.
    struct Live: ~Copyable {
        fileprivate let execution: Execution<CustomWriteInput, SequenceOutput, SequenceOutput>
        fileprivate var lines: LineReader

        /// Writes a line to its standard input.
        func send(_ line: String) async throws {
            _ = try await execution.standardInputWriter.write(Array((line + "\n").utf8))
        }

        /// Ends its standard input.
        func finishInput() async throws { try await execution.standardInputWriter.finish() }

        /// The next line of its standard output, nil at its end.
        mutating func nextLine() async throws -> String? { try await lines.next() }

        /// Reads lines until one contains `text`, and returns it.
        mutating func line(containing text: String) async throws -> String {
            while let line = try await lines.next() { if line.contains(text) { return line } }
            throw Missing(text: text)
        }

        func signal(_ signal: Signal) throws { try execution.send(signal: signal) }
    }

    struct Missing: Error {
        let text: String
    }

    /// Starts `lockstep`, lets `body` talk to it, and returns how it ended and what was left on its outputs.
    func live(
        _ arguments: String..., body: (inout Live) async throws -> Void
    ) async throws -> Outcome {
        let result = try await Subprocess.run(
            .path(FilePath(Self.program)), arguments: Arguments(arguments), environment: Self.environment(),
            workingDirectory: folder, input: .inputWriter, output: .sequence, error: .sequence
        ) { execution in
            async let errors = text(of: execution.standardError)
            var live = Live(execution: execution, lines: LineReader(execution.standardOutput))
            try await body(&live)
            try? await live.finishInput()
            var rest = ""
            while let line = try await live.nextLine() { rest += line + "\n" }
            return (rest, try await errors)
        }
        return Outcome(
            code: result.terminationStatus.code, output: result.closureResult.0, errors: result.closureResult.1)
    }
}

private func text(of sequence: SubprocessOutputSequence) async throws -> String {
    var bytes: [UInt8] = []
    for try await piece in sequence { piece.withUnsafeBytes { bytes.append(contentsOf: $0) } }
    return String(decoding: bytes, as: UTF8.self)
}

/// Lines out of what a program writes.
struct LineReader {
    private var pieces: SubprocessOutputSequence.AsyncIterator
    private var bytes: [UInt8] = []

    init(_ sequence: SubprocessOutputSequence) { pieces = sequence.makeAsyncIterator() }

    mutating func next() async throws -> String? {
        while true {
            if let end = bytes.firstIndex(of: 0x0A) {
                let line = String(decoding: bytes[..<end], as: UTF8.self)
                bytes.removeSubrange(...end)
                return line
            }
            guard let piece = try await pieces.next() else {
                if bytes.isEmpty { return nil }
                defer { bytes = [] }
                return String(decoding: bytes, as: UTF8.self)
            }
            piece.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
    }
}
