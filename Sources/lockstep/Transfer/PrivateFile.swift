#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A file that is written anew, readable by its owner only: what people say to each other is in it.
///
/// It gets its name when it is finished: what stood there before stays until then, and a half-written file never looks like
/// a whole one.
final class PrivateFile {
    let path: String
    let stream: OutputStream
    private let temporary: String
    private var isFinished = false

    init(creating path: String) throws {
        self.path = path
        temporary = "\(path).\(getpid()).part"
        // Never through a link that somebody else put there.
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw CommandFailure("\(OutputStream.Failure(name: path, code: errno))") }
        stream = OutputStream(descriptor: descriptor, name: path)
    }

    deinit {
        close(stream.descriptor)
        if !isFinished { unlink(temporary) }
    }

    /// Writes out what is left and gives the file its name.
    func finish() throws {
        try stream.flush()
        guard fsync(stream.descriptor) == 0, rename(temporary, path) == 0 else {
            throw CommandFailure("\(OutputStream.Failure(name: path, code: errno))")
        }
        isFinished = true
    }
}
