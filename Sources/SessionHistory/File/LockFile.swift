import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The file beside a history, `PATH.lock`, through which processes take turns at writing and see which of them live.
///
/// SQLite up to 3.51.2 may lose commits when two connections write or checkpoint at the same moment, so whoever writes holds
/// the turn while it does. Two byte locks make the turns fair: byte 0 is the place of the next one in line, byte 1 the turn;
/// whoever waits for the turn holds byte 0, so that a busy writer cannot take the turn again at once. Each writer also holds a
/// byte of its own, from 2^20 on, for as long as it lives: sessions name it as their owner.
///
/// The locks belong to the open file (OFD), not to the process: closing another descriptor does not drop them, and they end
/// with the process however it ends. The file's first line is the pid of the one whose turn it is.
final class LockFile: Sendable {
    private static let line: Int64 = 0
    private static let turn: Int64 = 1
    private static let owners: Int64 = 1 << 20

    let path: String
    private let descriptor: CInt

    /// Opens the lock file of the history in `path`, created if need be.
    init(forHistory path: String) throws {
        self.path = path + ".lock"
        descriptor = open(self.path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if descriptor < 0 { throw HistoryError(systemError: errno, "cannot open the lock file", self.path) }
    }

    /// Opens the lock file only if it is there, to look at it.
    init?(lookingAtHistory path: String) {
        self.path = path + ".lock"
        descriptor = open(self.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    // MARK: - Turns

    /// Waits for the turn, runs `body`, and gives the turn back. Not to be nested: whoever holds the turn and stands in line
    /// for it waits for the one who stands before it, who waits for the turn.
    ///
    /// - Throws: `HistoryError` that names the process whose turn it is, after `patience` seconds; what `body` throws.
    func withTurn<Value>(patience: Double, _ body: () throws -> Value) throws -> Value {
        try takeTurn(patience: patience)
        defer { giveTurn() }
        return try body()
    }

    func takeTurn(patience: Double) throws {
        var waited = 0.0
        var byte = Self.line
        while true {
            if lock(byte, F_WRLCK) {
                if byte == Self.turn { break }
                byte = Self.turn
                continue
            }
            guard waited < patience else {
                if byte == Self.turn { lock(Self.line, F_UNLCK) }
                throw tookTooLong(patience)
            }
            let pause = waited < 0.01 ? 0.0005 : 0.002
            usleep(UInt32(pause * 1e6))
            waited += pause
        }
        lock(Self.line, F_UNLCK)
        notePID()
    }

    func giveTurn() { lock(Self.turn, F_UNLCK) }

    private func notePID() {
        let text = "\(getpid())\n          "
        _ = text.withCString { pwrite(descriptor, $0, 12, 0) }
    }

    /// Says who is to blame: the one whose turn it is, or who keeps that one waiting.
    private func tookTooLong(_ patience: Double) -> HistoryError {
        let history = String(path.dropLast(".lock".count))
        let process = holder()
        let waitedFor = process.map(LockHolder.name) ?? "another process"
        var message = "cannot write to \(history): \(waitedFor) has been writing to it for \(Int(patience)) s"
        if let locker = LockHolder.describe(history), locker != waitedFor {
            message = "cannot write to \(history): \(locker) has held it locked for \(Int(patience)) s"
        }
        return HistoryError(.busy, message + " (lock \(path)); wait for it or end it")
    }

    /// Whose turn it was last.
    private func holder() -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        let digits = bytes.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        return Int32(String(decoding: digits, as: UTF8.self))
    }

    // MARK: - Who lives

    /// Takes a byte that says that this writer lives, until this object goes.
    func takeOwnership() throws -> Int64 {
        for _ in 0..<64 {
            let owner = Int64.random(in: 1..<1 << 40)
            if lock(Self.owners + owner, F_WRLCK) { return owner }
        }
        throw HistoryError(.storage, "cannot lock \(path); is it on a file system with locks?")
    }

    /// Whether the writer that took this byte lives. Another descriptor's view: not for one's own byte.
    func isAlive(_ owner: Int64) -> Bool {
        guard owner >= 0, owner < Int64.max - Self.owners else { return false }
        var request = Self.request(Self.owners + owner, F_WRLCK)
        guard fcntl(descriptor, Self.getLock, &request) == 0 else { return false }
        return request.l_type != Int16(F_UNLCK)
    }

    /// Whether any writer lives that took its byte through another descriptor.
    var hasWriter: Bool {
        var request = Self.request(Self.owners, F_WRLCK)
        request.l_len = 0  // all that follow
        guard fcntl(descriptor, Self.getLock, &request) == 0 else { return false }
        return request.l_type != Int16(F_UNLCK)
    }

    // MARK: - Byte locks

    #if os(Linux)
        private static let setLock: CInt = 37  // F_OFD_SETLK, which Glibc's module does not show
        private static let getLock: CInt = 36  // F_OFD_GETLK
    #else
        private static let setLock: CInt = 90
        private static let getLock: CInt = 92
    #endif

    private static func request(_ byte: Int64, _ kind: CInt) -> flock {
        var request = flock()
        request.l_type = Int16(kind)
        request.l_whence = Int16(SEEK_SET)
        request.l_start = off_t(byte)
        request.l_len = 1
        return request
    }

    @discardableResult
    private func lock(_ byte: Int64, _ kind: CInt) -> Bool {
        var request = Self.request(byte, kind)
        return fcntl(descriptor, Self.setLock, &request) == 0
    }
}

extension HistoryError {
    /// What a failed system call means.
    init(systemError number: CInt, _ doing: String, _ path: String) {
        let words = String(cString: strerror(number))
        switch number {
        case ENOENT, ENOTDIR:
            self.init(.notFound, "\(doing) \(path): \(words); make the folder, or give another path with --db")
        case EACCES, EPERM, EROFS:
            self.init(
                .noPermission, "\(doing) \(path): \(words); change its permissions, or give another path with --db")
        case ELOOP:
            self.init(.foreign, "\(doing) \(path): it is a symbolic link; give the path that it leads to")
        case ENOSPC, EDQUOT, EFBIG:
            self.init(.full, "\(doing) \(path): \(words); free some space")
        default: self.init(.storage, "\(doing) \(path): \(words)")
        }
    }
}
