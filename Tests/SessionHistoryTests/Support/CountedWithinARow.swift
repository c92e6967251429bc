import Foundation
import GRDB
import Testing

@testable import SessionHistory

extension History {
    /// Copies the history, and has session 1 there be counted up to the middle of its longest row, as a process may leave it that dies.
    func copyCountedWithinARow(to copy: String) async throws {
        for suffix in ["", "-wal"] { try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix) }
        let middle = try #require(
            Int64(
                try SQLiteShell.lines(
                    "SELECT id + ((code >> 36) & 255) / 2 FROM event ORDER BY (code >> 36) & 255 DESC LIMIT 1", on: path
                ).joined()))
        let file = try DatabaseQueue(path: copy)
        let (known, counted) = try await file.read { db in
            var first: Int64?
            try LoggedEvent.forEach(of: 1, from: middle + 1, to: .max, db) { event in first = first ?? event.id }
            #expect(first == middle + 1)
            var (hash, counts) = (EventsHash(), SessionCounts())
            try LoggedEvent.forEach(of: 1, from: 1, to: middle, db) { event in
                event.add(to: &hash)
                if let kind = event.code.kind { counts.add(kind, time: event.time) }
            }
            return (hash, counts)
        }
        try await file.write { db in try SessionRows.store(counted, known, 1, countedTo: middle, db) }
        try file.close()
        #expect(counted.events == middle)
    }
}
