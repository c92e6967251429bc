import Dispatch
import PipelineEngine
import Synchronization
import SystemPackage

/// Frames from a file, a pipe or standard input, as they come in.
///
/// Reads on a thread of its own, one piece at a time and only when asked, so that a session which is slower than its
/// input slows the input down (C19). One caller at a time.
public final class FrameInput: Sendable {
    /// The name used in problems: the path, or `<stdin>`.
    public let file: String
    private let source: ByteSource
    private let reader: Mutex<FrameLineReader>

    /// - Parameter path: `-` is standard input.
    /// - Throws: a problem that says why the file cannot be opened.
    public init(
        path: String, types: FrameTypes = FrameTypes(), limits: FrameLineLimits = FrameLineLimits()
    ) throws(FileProblem) {
        file = path == "-" ? "<stdin>" : path
        if path == "-" {
            source = ByteSource(descriptor: .standardInput, isOwned: false)
        } else {
            do {
                source = ByteSource(descriptor: try FileDescriptor.open(FilePath(path), .readOnly), isOwned: true)
            } catch {
                throw FileProblem(
                    file: path, problem: "this file cannot be opened: \(error)",
                    remedy: "give the path of a readable file, or - for standard input")
            }
        }
        reader = Mutex(FrameLineReader(file: file, types: types, limits: limits))
    }

    /// The next frame, nil at the end of the input.
    ///
    /// - Throws: `FileProblem` for a line that is no frame and for an input that cannot be read; `CancellationError` as
    ///   soon as the task is cancelled, also while the input has nothing to give.
    public func next() async throws -> InputFrame? {
        while true {
            if let frame = try reader.withLock({ reader throws(FileProblem) in try reader.next() }) { return frame }
            if source.isAtEnd { return nil }
            let piece: [UInt8]
            do { piece = try await source.read() } catch let error as Errno {
                throw FileProblem(file: file, problem: "this file cannot be read: \(error)")
            }
            reader.withLock { reader in
                if piece.isEmpty { reader.finish() } else { reader.append(piece) }
            }
        }
    }
}

/// Pieces of bytes from a file descriptor, without blocking a thread of the task pool.
final class ByteSource: Sendable {
    private let descriptor: FileDescriptor
    private let isOwned: Bool
    private let queue = DispatchQueue(label: "lockstep.input")
    private let state = Mutex(State())

    private struct State {
        var isAtEnd = false
        var waiting: CheckedContinuation<[UInt8], any Error>?
    }

    init(descriptor: FileDescriptor, isOwned: Bool) {
        self.descriptor = descriptor
        self.isOwned = isOwned
    }

    deinit {
        if isOwned { try? descriptor.close() }
    }

    var isAtEnd: Bool { state.withLock { $0.isAtEnd } }

    /// The next bytes, at least one unless the end is reached.
    ///
    /// After a cancelled read no other may follow: the bytes it was waiting for are gone.
    func read() async throws -> [UInt8] {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                state.withLock { $0.waiting = continuation }
                queue.async { self.finish(with: Result { try self.readNow() }) }
                // The handler may have run before there was anything for it to resume.
                if Task.isCancelled { finish(with: .failure(CancellationError())) }
            }
        } onCancel: {
            finish(with: .failure(CancellationError()))
        }
    }

    private func readNow() throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, count in
            count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    private func finish(with result: Result<[UInt8], any Error>) {
        let waiting = state.withLock { state -> CheckedContinuation<[UInt8], any Error>? in
            guard let waiting = state.waiting else { return nil }
            if case .success(let bytes) = result, !bytes.isEmpty {} else { state.isAtEnd = true }
            state.waiting = nil
            return waiting
        }
        waiting?.resume(with: result)
    }
}
