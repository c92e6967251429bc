import Foundation
import GRDB

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A copy of a damaged history to read from, put right as far as SQLite needs to open it. The history itself is only read.
struct DamagedCopy {
    let queue: DatabaseQueue
    /// What had to be put right, or could not be read.
    private(set) var remarks: [String] = []
    private(set) var losses: [String] = []

    /// - Parameters:
    ///   - path: the damaged history.
    ///   - folder: an empty one that only its owner may read.
    /// - Throws: `HistoryError` when there is nothing of a history in it.
    init(of path: String, in folder: String) throws {
        let copy = folder + "/damaged.sqlite"
        var unreadable = try Self.copyFile(path, to: copy)
        // The log holds what was committed last; the index of it is made anew.
        if access(path + "-wal", F_OK) == 0 { unreadable += try Self.copyFile(path + "-wal", to: copy + "-wal") }
        if unreadable > 0 { losses.append("\(unreadable) bytes of the file could not be read from the disk") }
        let template = try Template(in: folder)
        try template.fitSize(copy)
        if let queue = try Self.open(copy, as: template, path) {
            self.queue = queue
            return
        }
        try template.transplant(to: copy)
        do {
            queue = try Self.open(copy)
        } catch {
            throw HistoryError(
                .foreign, "there is nothing of a lockstep history in \(path) (\(error)); it was not touched")
        }
        remarks.append("its header or its schema was damaged, and was made anew")
    }

    /// Nil for a file that cannot be opened as it is.
    private static func open(_ copy: String, as template: Template, _ path: String) throws -> DatabaseQueue? {
        do {
            let queue = try open(copy)
            return try queue.inDatabase { db in try template.isSchema(of: db, path) } ? queue : nil
        } catch let error as HistoryError where error.code == .foreign || error.code == .newer {
            throw error
        } catch { return nil }
    }

    private static func open(_ copy: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.label = "lockstep.history.recovery"
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA query_only = ON")
            try db.execute(sql: "PRAGMA cell_size_check = ON")
        }
        return try DatabaseQueue(path: copy, configuration: configuration)
    }

    /// Copies a file, with zeros in place of what the disk does not give. Returns how many bytes those are.
    private static func copyFile(_ path: String, to copy: String) throws -> Int {
        let source = openFile(path, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw HistoryError(systemError: errno, "cannot read", path) }
        defer { close(source) }
        try HistoryFile.createPrivate(copy)
        let target = openFile(copy, O_WRONLY | O_CLOEXEC)
        guard target >= 0 else { throw HistoryError(systemError: errno, "cannot write", copy) }
        defer { close(target) }
        var status = stat()
        guard fstat(source, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw HistoryError(.foreign, "\(path) is no ordinary file")
        }
        var unreadable = 0
        var offset: off_t = 0
        var size = 1 << 20
        var buffer = [UInt8](repeating: 0, count: size)
        while offset < status.st_size {
            let wanted = min(size, Int(status.st_size - offset))
            var count = buffer.withUnsafeMutableBytes { pread(source, $0.baseAddress, wanted, offset) }
            if count < 0, errno == EINTR { continue }
            if count < 0, size > 4096 {
                size = 4096  // piece by piece from here on
                continue
            }
            if count < 0 {
                for index in 0..<wanted { buffer[index] = 0 }
                unreadable += wanted
                count = wanted
            }
            if count == 0 { break }
            let written = buffer.withUnsafeBytes { pwrite(target, $0.baseAddress, count, offset) }
            guard written == count else { throw HistoryError(systemError: errno, "cannot write", copy) }
            offset += off_t(count)
        }
        return unreadable
    }
}

private func openFile(_ path: String, _ flags: CInt) -> CInt { open(path, flags) }
