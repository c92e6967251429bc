import Foundation

/// Finds who holds SQLite's write lock on a history: any program may, a `sqlite3` shell for one.
enum LockHolder {
    /// The byte of the `-shm` file that a writer locks, and the one that a checkpoint does.
    private static let writeLocks: Set<String> = ["120", "121"]

    /// `process 123 (sqlite3)`; nil where the system does not say.
    static func describe(_ path: String) -> String? {
        var status = stat()
        guard stat(path + "-shm", &status) == 0, let table = FileManager.default.contents(atPath: "/proc/locks") else {
            return nil
        }
        // 5: POSIX  ADVISORY  WRITE 1234 fd:01:5678 120 120
        for line in String(decoding: table, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 8, words[3] == "WRITE", words[5].hasSuffix(":\(status.st_ino)"),
                writeLocks.contains(String(words[6])), let process = Int32(words[4]), process > 0
            else { continue }
            let name = FileManager.default.contents(atPath: "/proc/\(process)/comm")
                .map { String(decoding: $0.prefix { $0 != 0x0A }, as: UTF8.self) }
            return "process \(process)" + (name.map { " (\($0.storable(maxBytes: 40)))" } ?? "")
        }
        return nil
    }
}
