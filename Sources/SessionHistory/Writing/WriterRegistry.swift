import Synchronization

/// The right to use a file's writer, until it ends. The last one to end closes the file.
final class WriterLease: Sendable {
    let writer: HistoryWriter
    private let ended = Atomic(false)

    fileprivate init(_ writer: HistoryWriter) { self.writer = writer }

    var hasEnded: Bool { ended.load(ordering: .acquiring) }

    deinit { end() }

    /// Gives the right up; when nobody else has it, returns when everything is written and the file is closed.
    func end() {
        if !ended.exchange(true, ordering: .acquiringAndReleasing) { WriterRegistry.release(writer) }
    }
}

/// The writers of this process, one for each file: SQLite before 3.51.3 may lose commits of two writing connections.
enum WriterRegistry {
    private struct Entry {
        var writer: HistoryWriter
        var leases: Int
    }

    private static let open = Mutex<[String: Entry]>([:])

    /// A lease of the writer of the history in `path` (absolute), opened if need be.
    static func lease(path: String, options: WriterOptions) throws -> WriterLease {
        let lease = try open.withLock { open in
            if let writer = open[path]?.writer {
                open[path]?.leases += 1
                return WriterLease(writer)
            }
            let writer = try HistoryWriter(path: path, options: options)
            open[path] = Entry(writer: writer, leases: 1)
            return WriterLease(writer)
        }
        // A promise made to one user of the file holds, whatever the first was content with.
        if options.durability == .full { try lease.writer.perform { try $0.waitForDisk() } }
        return lease
    }

    /// Another lease of the same writer.
    ///
    /// - Throws: `HistoryError` when the one given ended meanwhile and was the last.
    static func another(_ lease: WriterLease) throws -> WriterLease {
        let path = lease.writer.path
        let isOpen = open.withLock { open in
            guard open[path]?.writer === lease.writer else { return false }
            open[path]?.leases += 1
            return true
        }
        guard isOpen else { throw HistoryError(.closed, "the history \(path) is closed") }
        return WriterLease(lease.writer)
    }

    fileprivate static func release(_ writer: HistoryWriter) {
        let isLast = open.withLock { open in
            open[writer.path]?.leases -= 1
            guard open[writer.path]?.leases == 0 else { return false }
            open[writer.path] = nil
            return true
        }
        // Outside of the lock: whoever opens the file anew meanwhile waits for its turn, as another process would.
        if isLast { writer.close() }
    }
}
