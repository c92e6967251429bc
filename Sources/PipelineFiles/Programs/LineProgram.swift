import Foundation
import Subprocess
import Synchronization
import SystemPackage

/// A program that runs for as long as a session and speaks in lines.
///
/// Lines go in through a bounded queue, in order. Lines that come out go to whoever waits in `nextLine`, one caller at
/// a time; from `listen` to the nil of `stopListening` they are kept for that caller, at other times `unexpected` has
/// them. A program that writes faster than it is read is made to wait.
final class LineProgram: Sendable {
    enum Line: Sendable, Equatable {
        case bytes([UInt8])
        /// Longer than the limit; passed over.
        case tooLong
    }

    /// As shown in errors.
    let name: String
    private let path: String
    private let arguments: [String]
    private let state = Mutex(State())
    private let input: AsyncStream<[UInt8]>
    private let inputEnd: AsyncStream<[UInt8]>.Continuation

    /// Lines that may wait for a program to read them. A session waits for each answer, so that only system frames
    /// come to so many.
    static let queueLimit = 1024
    /// Lines kept for a caller before the program is made to wait.
    private static let readAhead = 64
    /// The longest line it may write, in bytes.
    static let lineLimit = FrameLineLimits().lineBytes
    /// How long a program whose input has ended may take to end.
    private static let farewell = Duration.seconds(1)

    private struct State {
        var isListening = false
        var lines: [Line] = []
        var caller: CheckedContinuation<Line, any Error>?
        var reader: CheckedContinuation<Void, Never>?
        /// Set when nothing more comes out.
        var ending: ProgramFailure?
        var task: Task<Void, Never>?
    }

    init(name: String, path: String, arguments: [String]) {
        self.name = name
        self.path = path
        self.arguments = arguments
        (input, inputEnd) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(LineProgram.queueLimit))
    }

    // MARK: life

    /// Starts the program and returns when it runs.
    ///
    /// - Parameter unexpected: is given each line that nobody listens for.
    /// - Throws: `ProgramFailure` when it cannot be started.
    func start(unexpected: @escaping @Sendable (Line) async -> Void) async throws {
        LineProgram.ignoreBrokenPipes
        let outcome: ProgramFailure? = await withCheckedContinuation { continuation in
            let started = Once(continuation)
            let task = Task(executorPreference: globalConcurrentExecutor) {
                let failure = await self.run(started: { started.resume(nil) }, unexpected: unexpected)
                started.resume(failure)
                self.end(failure)
            }
            state.withLock { $0.task = task }
        }
        if let outcome { throw outcome }
    }

    /// Ends the program's input, gives it a moment to end by itself, then kills it with its process group.
    func stop() async {
        guard let task = state.withLock({ $0.task }) else { return }
        inputEnd.finish()
        let killer = Task {
            try await Task.sleep(for: LineProgram.farewell)
            task.cancel()
        }
        // Nobody reads any more; a program that still writes must not wait for a reader.
        while stopListening() != nil {}
        await task.value
        killer.cancel()
    }

    /// Writing to a program that has ended is an error like others, not the end of this process.
    private static let ignoreBrokenPipes: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

    private func run(
        started: @escaping @Sendable () -> Void, unexpected: @escaping @Sendable (Line) async -> Void
    ) async -> ProgramFailure {
        do {
            let result = try await Subprocess.run(
                .path(FilePath(path)), arguments: Arguments(executablePathOverride: name, remainingValues: arguments),
                platformOptions: .ownGroup, input: .inputWriter, output: .sequence, error: .sequence
            ) { execution in
                started()
                async let complaint = tail(of: execution.standardError)
                async let isWritten: Void = write(to: execution.standardInputWriter)
                var buffer = LineBuffer(limit: LineProgram.lineLimit)
                for try await piece in execution.standardOutput {
                    piece.withUnsafeBytes { buffer.append($0) }
                    while let line = buffer.next() { await deliver(copy(line, of: buffer), unexpected) }
                }
                buffer.finish()
                while let line = buffer.next() { await deliver(copy(line, of: buffer), unexpected) }
                // The input is written for as long as there is one; the program has closed its end or does not care.
                inputEnd.finish()
                await isWritten
                return try await complaint
            }
            let status =
                switch result.terminationStatus {
                case .exited(let code): "it ended with status \(code)"
                case .signaled(let signal): "it was ended by signal \(signal)"
                }
            return ProgramFailure(program: name, problem: status, complaint: result.closureResult)
        } catch let error as SubprocessError {
            return ProgramFailure(program: name, problem: "it could not be run: \(printable(error.description))")
        } catch {
            return ProgramFailure(program: name, problem: "it was stopped")
        }
    }

    private func write(to writer: StandardInputWriter) async {
        for await line in input {
            // A program that no longer reads is found out by its end or by its silence.
            guard let written = try? await writer.write(line), written == line.count else { break }
        }
        inputEnd.finish()
        try? await writer.finish()
    }

    private func copy(_ line: LineBuffer.Line, of buffer: LineBuffer) -> Line {
        switch line {
        case .range(let range): .bytes(Array(buffer.bytes[range]))
        case .tooLong: .tooLong
        }
    }

    private func end(_ failure: ProgramFailure) {
        let caller = state.withLock { state in
            state.ending = failure
            defer { state.caller = nil }
            return state.caller
        }
        caller?.resume(throwing: failure)
    }

    // MARK: lines

    /// Why nothing more comes out; nil while the program runs.
    var ending: ProgramFailure? { state.withLock { $0.ending } }

    enum Sending { case sent, full, ended }

    /// Puts lines, with their newlines, in line for the program. They are dropped when too many wait there already, and
    /// when the program has closed its end.
    func send(_ lines: [UInt8]) -> Sending {
        switch inputEnd.yield(lines) {
        case .enqueued: .sent
        case .dropped: .full
        default: .ended
        }
    }

    /// From now on lines are kept for `nextLine`.
    func listen() { state.withLock { $0.isListening = true } }

    /// A line that was kept and not asked for; when there is none, nil, and lines are no longer kept.
    func stopListening() -> Line? {
        let (line, reader) = state.withLock { state in
            if state.lines.isEmpty { state.isListening = false }
            defer { state.reader = nil }
            return (state.lines.isEmpty ? nil : state.lines.removeFirst(), state.reader)
        }
        reader?.resume()
        return line
    }

    /// The next line; waits for it.
    ///
    /// - Throws: the program's ending once it has ended and all its lines are read; `CancellationError`.
    func nextLine() async throws -> Line {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                enum Next {
                    case line(Line)
                    case failure(any Error)
                }
                let (next, reader) = state.withLock { state -> (Next?, CheckedContinuation<Void, Never>?) in
                    if Task.isCancelled { return (.failure(CancellationError()), nil) }
                    if !state.lines.isEmpty {
                        defer { state.reader = nil }
                        return (.line(state.lines.removeFirst()), state.reader)
                    }
                    if let ending = state.ending { return (.failure(ending), nil) }
                    state.caller = continuation
                    return (nil, nil)
                }
                reader?.resume()
                switch next {
                case .line(let line): continuation.resume(returning: line)
                case .failure(let error): continuation.resume(throwing: error)
                case nil: break
                }
            }
        } onCancel: {
            let caller = state.withLock { state in
                defer { state.caller = nil }
                return state.caller
            }
            caller?.resume(throwing: CancellationError())
        }
    }

    private func deliver(_ line: Line, _ unexpected: @Sendable (Line) async -> Void) async {
        enum Receiver {
            case caller(CheckedContinuation<Line, any Error>)
            case queue(isFull: Bool)
            case nobody
        }
        let receiver = state.withLock { state -> Receiver in
            if let caller = state.caller {
                state.caller = nil
                return .caller(caller)
            }
            guard state.isListening else { return .nobody }
            state.lines.append(line)
            return .queue(isFull: state.lines.count >= LineProgram.readAhead)
        }
        switch receiver {
        case .caller(let caller): caller.resume(returning: line)
        case .nobody: await unexpected(line)
        case .queue(isFull: false): break
        case .queue(isFull: true):
            await withCheckedContinuation { continuation in
                let isStillFull = state.withLock { state in
                    guard state.lines.count >= LineProgram.readAhead else { return false }
                    state.reader = continuation
                    return true
                }
                if !isStillFull { continuation.resume() }
            }
        }
    }
}

/// A continuation that may be resumed more than once; only the first time counts.
private final class Once<Value: Sendable>: Sendable {
    private let continuation: Mutex<CheckedContinuation<Value, Never>?>

    init(_ continuation: CheckedContinuation<Value, Never>) { self.continuation = Mutex(continuation) }

    func resume(_ value: Value) {
        let continuation = continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }
        continuation?.resume(returning: value)
    }
}
