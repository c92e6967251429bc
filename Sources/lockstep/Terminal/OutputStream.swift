#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A file descriptor that is written to: standard output, standard error, a file.
///
/// Collects what it is given and writes it out in large pieces, or at once on `flush`.
final class OutputStream {
    /// Why something could not be written.
    struct Failure: Error, CustomStringConvertible {
        let name: String
        let code: Int32

        /// Whether the reader has gone away, as `head` does when it has seen enough.
        var isClosedPipe: Bool { code == EPIPE }

        var description: String {
            isClosedPipe
                ? "the reader of \(name) has gone"
                : "cannot write \(name): \(String(cString: strerror(code))); check the space and the permissions there"
        }
    }

    let descriptor: Int32
    /// For messages.
    let name: String
    private var buffer: [UInt8] = []
    private static let capacity = 64 * 1024

    init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    /// Whether a person reads it.
    var isTerminal: Bool { isatty(descriptor) == 1 }

    /// The terminal's columns, nil if it is none or does not say.
    var columns: Int? {
        var size = winsize()
        guard isTerminal, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    func write(_ text: String) throws(Failure) {
        buffer.append(contentsOf: text.utf8)
        if buffer.count >= Self.capacity { try flush() }
    }

    func write(_ bytes: [UInt8]) throws(Failure) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.capacity { try flush() }
    }

    /// Writes out what has collected.
    func flush() throws(Failure) {
        var written = 0
        defer { buffer.removeAll(keepingCapacity: true) }
        while written < buffer.count {
            let count = buffer.withUnsafeBytes { bytes in
                // The region lies within `bytes`, which live until the call returns.
                systemWrite(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count >= 0 {
                written += count
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&waiting, 1, -1)
            case let code: throw Failure(name: name, code: code)
            }
        }
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
