internal import PipelineEngine
internal import PipelineFiles
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Where released frames go as JSON lines: each is written out before `write` returns, so that it is there the moment it is
/// released, and a reader that is slow slows the session down.
///
/// A write that fails is told once; what comes after it is counted and not written.
final class FrameSink: Sendable {
    private struct State {
        var writer = FrameLineWriter()
        var failure: OutputStream.Failure?
        var lost: Int64 = 0
    }

    let name: String
    private let descriptor: Int32
    private let isOwned: Bool
    private let state = Mutex(State())
    private let isAbandoned = Atomic<Bool>(false)
    private let onFailure: @Sendable (OutputStream.Failure) -> Void

    /// Opens `path` for writing, `-` being standard output. A file is created for its owner only; one that is there keeps what is in it
    /// until `begin`.
    ///
    /// - Parameter spared: what it must not be.
    init(
        path: String, sparing spared: [SparedFile], onFailure: @escaping @Sendable (OutputStream.Failure) -> Void
    ) throws {
        self.onFailure = onFailure
        // A reader that goes away is an error to be told, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        if path == "-" {
            (name, descriptor, isOwned) = ("standard output", 1, false)
        } else {
            (name, isOwned) = (path, true)
            descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            if descriptor < 0 {
                throw CommandFailure("\(OutputStream.Failure(name: path, code: errno))")
            }
        }
        try SparedFile.check(spared, againstOutput: descriptor, named: name)
    }

    /// Empties the file: everything else that could be wrong has been found.
    func begin() throws {
        // What is no file, a pipe say, has nothing to empty.
        guard isOwned, ftruncate(descriptor, 0) != 0, errno != EINVAL else { return }
        throw CommandFailure("\(OutputStream.Failure(name: name, code: errno))")
    }

    deinit {
        if isOwned { close(descriptor) }
    }

    /// Frames that were released and could not be written.
    var lost: Int64 { state.withLock { $0.lost } }

    /// Gives up on a reader that takes nothing any more.
    func abandon() { isAbandoned.store(true, ordering: .relaxed) }

    func write(_ released: ReleasedFrame) {
        let failure = state.withLock { state -> OutputStream.Failure? in
            if state.failure != nil {
                state.lost += 1
                return nil
            }
            state.writer.removeAll()
            state.writer.write(released.frame, place: FramePlace(released))
            let code = writeAll(state.writer.bytes)
            if code == 0 { return nil }
            state.failure = OutputStream.Failure(name: name, code: code)
            state.lost += 1
            return state.failure
        }
        if let failure { onFailure(failure) }
    }

    /// Writes in pieces that a pipe takes whole when it is ready for them, so that an abandoned reader is noticed.
    ///
    /// - Returns: 0, or the error.
    private func writeAll(_ bytes: [UInt8]) -> Int32 {
        var written = 0
        while written < bytes.count {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            let isReady = poll(&waiting, 1, 100) != 0
            if !isReady {
                if isAbandoned.load(ordering: .relaxed) { return EPIPE }
                continue
            }
            let end = min(bytes.count, written + Int(PIPE_BUF))
            let count = bytes[written..<end].withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                written += count
            } else if errno != EINTR, errno != EAGAIN {
                return errno
            }
        }
        return 0
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}

extension FramePlace {
    /// Where a frame left: the stage that released it last and its place there; nothing of that for a frame that no stage
    /// released.
    init(_ released: ReleasedFrame) {
        let origin = released.origin
        let isBatched = (origin?.batch ?? 0) > 0
        self.init(
            stage: origin?.stage, batch: isBatched ? origin?.batch : nil,
            position: origin.flatMap { $0.position >= 0 ? $0.position : nil },
            branch: origin.flatMap { $0.branch >= 0 ? $0.branch : nil }, time: released.time,
            direction: released.direction)
    }
}
