#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Notices when the files of a history are removed, moved or replaced under the connection that writes to them: SQLite would go
/// on writing to files that nobody finds any more.
struct FilePresence {
    private struct Identity: Equatable {
        var device: UInt64
        var file: UInt64

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            device = UInt64(truncatingIfNeeded: status.st_dev)
            file = UInt64(truncatingIfNeeded: status.st_ino)
        }
    }

    /// The history, its write-ahead log and the log's index, in that order.
    private let paths: [String]
    /// As they were when they were first seen; the log and its index appear with the first use.
    private var known: [Identity?]

    /// - Parameter path: the history, which is open.
    init(_ path: String) {
        paths = [path, path + "-wal", path + "-shm"]
        known = paths.map { Identity($0) }
    }

    /// The path of a file that is not there any more, or is another one; nil if all are in place.
    mutating func missing() -> String? {
        for index in paths.indices {
            let now = Identity(paths[index])
            if let known = known[index] {
                if now != known { return paths[index] }
            } else {
                known[index] = now
            }
        }
        return nil
    }
}
