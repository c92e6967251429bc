import Foundation
import Testing

/// The real `sqlite3` shell, as people use it on a history.
enum SQLiteShell {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// What the shell prints for `sql`, in its list mode: columns parted by `|`, a line per row.
    static func run(_ sql: String, on path: String, options: [String] = []) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["sqlite3", "-bail", "-batch"] + options + [path]
        let (input, output, errors) = (Pipe(), Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        input.fileHandleForWriting.write(Data(sql.utf8))
        try input.fileHandleForWriting.close()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0, complaint.isEmpty else {
            throw Failure(description: "sqlite3: \(complaint) (\(process.terminationStatus))")
        }
        return text
    }

    /// The same by lines.
    static func lines(_ sql: String, on path: String) throws -> [String] {
        try run(sql, on: path).split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }
}
