import Foundation
import PipelineEngine

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A history's file as the file system sees it, looked at without SQLite, which would already make files beside it.
enum HistoryFile {
    /// 'Lkst', bytes 68 to 71 of every history.
    static let applicationID: UInt32 = 0x4C6B_7374

    /// What the first 100 bytes say.
    enum Header: Equatable {
        case missing
        /// One of ours, at this version of the schema.
        case history(version: UInt32)
        case foreign(String)
    }

    /// The absolute path of a history, symbolic links followed as far as they lead somewhere.
    ///
    /// `path` is a path whatever it looks like: never a URI, and `:memory:` is a file of that name.
    static func absolutePath(_ path: String) throws -> String {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw HistoryError(.notFound, "the history's path is empty or has a NUL in it; give a file's path with --db")
        }
        if let resolved = resolve(path) { return resolved }
        let cut = path.lastIndex(of: "/")
        let folder = cut.map { String(path[..<$0]) } ?? "."
        let name = cut.map { String(path[path.index(after: $0)...]) } ?? path
        guard !name.isEmpty, name != ".", name != ".." else {
            throw HistoryError(.notFound, "\(path) is a folder; give a file in it with --db")
        }
        guard let absolute = resolve(folder.isEmpty ? "/" : folder) else {
            throw HistoryError(systemError: errno, "cannot find the history's folder", folder)
        }
        return absolute == "/" ? "/" + name : absolute + "/" + name
    }

    private static func resolve(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Reads the header.
    ///
    /// - Throws: `HistoryError` when there is something that cannot be read.
    static func header(_ path: String) throws -> Header {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return .missing }
            throw HistoryError(systemError: errno, "cannot read the history", path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw HistoryError(systemError: errno, "cannot read", path) }
        guard status.st_mode & S_IFMT == S_IFREG else { return .foreign("it is no ordinary file") }
        var bytes = [UInt8](repeating: 0, count: 100)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count >= 0 else { throw HistoryError(systemError: errno, "cannot read the history", path) }
        if count == 0 { return .foreign("it is empty") }
        guard count == 100, bytes.starts(with: "SQLite format 3\u{0}".utf8) else {
            return .foreign("it is no SQLite database")
        }
        func number(_ offset: Int) -> UInt32 { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) } }
        guard number(68) == applicationID else { return .foreign("it is another program's SQLite database") }
        return .history(version: number(60))
    }

    /// What changes whenever the file's content does.
    struct Stamp: Equatable {
        var size: Int64
        var modified: Int64
        var file: UInt64
        var logSize: Int64
    }

    /// The file as it is now, with its write-ahead log; nil if it is gone.
    static func stamp(_ path: String) -> Stamp? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        var log = stat()
        let logSize = stat(path + "-wal", &log) == 0 ? Int64(log.st_size) : 0
        #if os(Linux)
        let modified = status.st_mtim
        #else
        let modified = status.st_mtimespec
        #endif
        return Stamp(
            size: Int64(status.st_size), modified: Int64(modified.tv_sec) &* 1_000_000_000 &+ Int64(modified.tv_nsec),
            file: UInt64(status.st_ino), logSize: logSize)
    }

    /// Creates an empty file that only its owner may read, not through a symbolic link.
    static func createPrivate(_ path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw HistoryError(systemError: errno, "cannot create the history", path) }
        close(descriptor)
    }
}
