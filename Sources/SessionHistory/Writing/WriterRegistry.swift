import Foundation
import Synchronization

/// Holds a file's writer open. The last one to go closes it.
final class WriterHandle: Sendable {
    let writer: HistoryWriter

    init(_ writer: HistoryWriter) { self.writer = writer }

    deinit { writer.close() }
}

/// The writers of this process, one for each file: SQLite before 3.51.3 may lose commits of two writing connections.
enum WriterRegistry {
    private struct Weak {
        weak var handle: WriterHandle?
    }

    private static let open = Mutex<[String: Weak]>([:])

    /// The writer of the history in `path` (absolute), opened if need be.
    static func handle(path: String, options: WriterOptions) throws -> WriterHandle {
        try open.withLock { open in
            if let handle = open[path]?.handle { return handle }
            let handle = WriterHandle(try HistoryWriter(path: path, options: options))
            open[path] = Weak(handle: handle)
            return handle
        }
    }
}
