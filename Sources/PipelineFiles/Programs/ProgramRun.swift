import Subprocess
import SystemPackage

/// One run of a program, from its start to its end: what it writes is collected.
struct ProgramRun: Sendable {
    /// As shown in errors.
    var name: String
    var path: String
    var arguments: [String]
    /// In real time.
    var timeout: Duration
    /// The most that it may write, in bytes: as much as a frame may hold.
    var outputLimit = 64 << 20

    /// Runs the program and returns what it wrote to its stdout.
    ///
    /// It gets no input. It runs in a process group of its own, which is killed as a whole when it takes longer than
    /// `timeout`, writes more than `outputLimit`, or when the task is cancelled.
    ///
    /// - Throws: `ProgramFailure` when it cannot be started, does not end well or in time, or writes too much;
    ///   `CancellationError`.
    func output() async throws -> [UInt8] {
        guard !arguments.contains(where: { $0.utf8.contains(0) }) else {
            throw failure("an argument has a NUL in it, which no program can be given")
        }
        return try await withThrowingTaskGroup(of: Outcome.self) { group in
            group.addTask { try await run() }
            group.addTask {
                try await Task.sleep(for: timeout)
                return .tookTooLong
            }
            let first = try await group.next()
            // Leaving the group waits for the other: a program that took too long is dead then.
            group.cancelAll()
            switch first {
            case .output(let bytes): return bytes
            case .failed(let failure): throw failure
            case .tookTooLong, nil:
                throw failure("it took longer than \(timeout) and was killed; give it more 'timeout_ms' or less to do")
            }
        }
    }

    private enum Outcome: Sendable {
        case output([UInt8])
        case failed(ProgramFailure)
        case tookTooLong
    }

    private struct TooMuchOutput: Error {}

    private func run() async throws -> Outcome {
        do {
            let result = try await Subprocess.run(
                .path(FilePath(path)), arguments: Arguments(executablePathOverride: name, remainingValues: arguments),
                platformOptions: .ownGroup, input: .none, output: .sequence, error: .sequence
            ) { execution in
                async let complaint = tail(of: execution.standardError)
                var output: [UInt8] = []
                for try await buffer in execution.standardOutput {
                    guard output.count + buffer.count <= outputLimit else { throw TooMuchOutput() }
                    buffer.withUnsafeBytes { output.append(contentsOf: $0) }
                }
                return (output, try await complaint)
            }
            try Task.checkCancellation()
            let (output, complaint) = result.closureResult
            switch result.terminationStatus {
            case .exited(0): return .output(output)
            case .exited(let code): return .failed(failure("it ended with status \(code)", complaint))
            case .signaled(let signal): return .failed(failure("it was ended by signal \(signal)", complaint))
            }
        } catch is TooMuchOutput {
            return .failed(failure("it wrote more than \(outputLimit) bytes and was killed"))
        } catch let error as SubprocessError {
            try Task.checkCancellation()
            return .failed(failure("it could not be run: \(printable(error.description))"))
        }
    }

    private func failure(_ problem: String, _ complaint: String? = nil) -> ProgramFailure {
        ProgramFailure(program: name, problem: problem, complaint: complaint)
    }
}

/// Reads a program's stderr to its end and keeps the last of it.
func tail(of sequence: SubprocessOutputSequence) async throws -> String? {
    var tail = ComplaintTail()
    for try await buffer in sequence { tail.append(buffer.withUnsafeBytes { Array($0) }) }
    return tail.text
}

extension PlatformOptions {
    /// A process group of the program's own, killed as a whole: what a program starts does not outlive it.
    static var ownGroup: PlatformOptions {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .zero)]
        return options
    }
}
