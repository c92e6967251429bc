import Foundation

/// Finds who holds SQLite's locks on a history: any program may, a `sqlite3` shell for one.
enum LockHolder {
    /// The byte of the `-shm` file that a writer locks, and the one that a checkpoint does.
    private static let writeLocks: ClosedRange<Int> = 120...121
    /// The bytes of which each reader locks one.
    private static let readLocks: ClosedRange<Int> = 123...127

    /// Who holds the write lock, as `process 123 (sqlite3)`; nil if nobody does, or where the system does not say.
    static func describe(_ path: String) -> String? {
        holders(path, of: writeLocks, "WRITE") { _ in true }.first.map(name)
    }

    /// Which other processes are reading; nil if none is, or where the system does not say.
    static func readers(_ path: String) -> String? {
        let others = holders(path, of: readLocks, "READ") { $0 != getpid() }
        guard let first = others.first else { return nil }
        return others.count == 1 ? name(first) : "\(name(first)) and \(others.count - 1) more"
    }

    /// `process 123 (sqlite3)`.
    static func name(_ process: Int32) -> String {
        let program = FileManager.default.contents(atPath: "/proc/\(process)/comm")
            .map { String(decoding: $0.prefix { $0 != 0x0A }, as: UTF8.self) }
        return "process \(process)" + (program.map { " (\($0.storable(maxBytes: 40)))" } ?? "")
    }

    private static func holders(
        _ path: String, of bytes: ClosedRange<Int>, _ kind: String, where isMeant: (Int32) -> Bool
    ) -> [Int32] {
        var status = stat()
        guard stat(path + "-shm", &status) == 0 else { return [] }
        // The kernel gives its table a page at a time, and leaves lines out when locks before them go meanwhile.
        for _ in 0..<10 {
            // To the end, unlike `FileManager.contents`, which takes the first page of such a file for all of it.
            guard let table = try? FileHandle(forReadingAtPath: "/proc/locks")?.readToEnd() else { break }
            let found = holders(of: status.st_ino, bytes, kind, in: String(decoding: table, as: UTF8.self)).filter(
                isMeant)
            if !found.isEmpty { return found }
        }
        return []
    }

    private static func holders(of file: ino_t, _ bytes: ClosedRange<Int>, _ kind: String, in table: String)
        -> [Int32]
    {
        var found: [Int32] = []
        // 5: POSIX  ADVISORY  WRITE 1234 fd:01:5678 120 120
        for line in table.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 8, words[3] == kind, words[5].hasSuffix(":\(file)"),
                let first = Int(words[6]), let last = Int(words[7]), first <= bytes.upperBound,
                last >= bytes.lowerBound, let process = Int32(words[4]), process > 0, !found.contains(process)
            else { continue }
            found.append(process)
        }
        return found
    }
}
