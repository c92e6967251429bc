import Foundation
import GRDB
import GRDBSQLite

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A history's file, looked at before it is opened.
enum HistoryFile {
    /// 'Lkst', bytes 68 to 71 of every history.
    static let applicationID: Int64 = 0x4C6B_7374

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
            throw HistoryError(
                .notFound, "the history's path is empty or has a NUL in it; give a file's path with --db")
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

    /// Reads the header, through SQLite: closing a descriptor of our own would drop the locks that SQLite's connections of
    /// this process have on the file, and another process could take away the log under them.
    ///
    /// - Throws: `HistoryError` when there is something that cannot be read.
    static func header(_ path: String) throws -> Header {
        if let header = try headerWithoutReading(path) { return header }
        let bytes: [UInt8]
        do { bytes = try firstBytes(path) } catch {
            throw HistoryError(error, path: path, doing: "cannot read the history")
        }
        guard bytes.starts(with: "SQLite format 3\0".utf8) else { return .foreign("it is no SQLite database") }
        func number(at offset: Int) -> UInt32 { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) } }
        guard number(at: 68) == applicationID else { return .foreign("it is another program's SQLite database") }
        return .history(version: number(at: 60))
    }

    /// The file's first 100 bytes as they are, zeros where it is shorter. A statement would read the pages behind them as well, of
    /// which half are of another state while somebody checkpoints, or died over it.
    private static func firstBytes(_ path: String) throws -> [UInt8] {
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(immutableURI(path), &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nil)
        defer { sqlite3_close_v2(handle) }
        guard code == SQLITE_OK else { throw SQLiteFailure(handle) }
        // SQLite's own file, open until the connection is closed.
        var file: UnsafeMutablePointer<sqlite3_file>?
        guard sqlite3_file_control(handle, nil, SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK, let file,
            let read = file.pointee.pMethods?.pointee.xRead
        else { throw SQLiteFailure(handle) }
        var bytes = [UInt8](repeating: 0, count: 100)
        let result = read(file, &bytes, Int32(bytes.count), 0)
        guard result == SQLITE_OK || result == SQLITE_IOERR | 2 << 8 else {  // SQLITE_IOERR_SHORT_READ
            throw HistoryError(.storage, "cannot read the history \(path): disk I/O error (\(result))")
        }
        return bytes
    }

    /// The header of the file that a connection has opened.
    static func header(_ db: Database) throws -> Header {
        let id = try db.firstRow("PRAGMA application_id") { try $0.integer(0) }
        guard id == applicationID else { return .foreign("it is another program's SQLite database") }
        return .history(version: UInt32(clamping: try version(db)))
    }

    /// The version of the schema that the file says it has.
    static func version(_ db: Database) throws -> Int {
        try db.firstRow("PRAGMA user_version") { try $0.int(0) } ?? 0
    }

    /// What the file system says already; nil for a file that may be one of ours.
    static func headerWithoutReading(_ path: String) throws -> Header? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            // A link that leads nowhere is no place for a new file either.
            if errno == ENOENT, lstat(path, &status) != 0 { return .missing }
            throw HistoryError(systemError: errno, "cannot read the history", path)
        }
        guard status.st_mode & S_IFMT == S_IFREG else { return .foreign("it is no ordinary file") }
        if status.st_size == 0 { return .foreign("it is empty") }
        return nil
    }

    /// The name under which SQLite reads a file as one that does not change, making no other file beside it.
    static func immutableURI(_ path: String) -> String {
        var escaped = ""
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                escaped.append(Character(UnicodeScalar(byte)))
            default: escaped += "%" + String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }
        }
        return "file://\(escaped)?immutable=1"
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

    /// Has the folder's entry for a new file on the disk: without it, a loss of power takes the file as a whole.
    static func settleName(_ path: String) throws {
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw HistoryError(systemError: errno, "cannot open the folder", folder) }
        defer { close(descriptor) }
        // Some file systems know no such thing and say EINVAL; those keep names by themselves.
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw HistoryError(systemError: errno, "cannot write to the folder", folder)
        }
    }
}
