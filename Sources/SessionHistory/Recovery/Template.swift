import Foundation
import GRDB

/// A new, empty history: what a damaged one must look like where it says what its tables are.
///
/// Every history is made by the same migrations, so that its tables begin at the same pages. Where the header or the schema of one
/// cannot be read, those pages are taken from here.
struct Template {
    private static let pageSize = 16_384
    private static let magic = Array("SQLite format 3\u{0}".utf8)

    private struct Table: Hashable {
        var name: String
        var root: Int64
        var sql: String?
    }

    private let path: String
    private let tables: Set<Table>
    /// The pages of the schema itself, counted from 1.
    private let schemaPages: [Int]

    init(in folder: String) throws {
        path = folder + "/template.sqlite"
        try History.open(at: path, for: .writing).close()
        let queue = try DatabaseQueue(path: path)
        (tables, schemaPages) = try queue.inDatabase { db in
            let tables = try Self.tables(db)
            let pages = try db.firstRow("PRAGMA page_count") { try $0.int(0) } ?? 0
            // Its tables fit into one page each; the second page of every history maps pages to their parents.
            let others = Set(tables.map { Int($0.root) } + [2])
            return (tables, (1...max(1, pages)).filter { !others.contains($0) })
        }
        try queue.close()
    }

    private static func tables(_ db: Database) throws -> Set<Table> {
        let names = "('table', 'index')"
        let tables = try db.rows(
            "SELECT name, rootpage, sql FROM sqlite_schema WHERE type IN \(names) AND rootpage > 0"
        ) { row in
            Table(name: try row.text(0), root: try row.integer(1), sql: try row.optionalText(2))
        }
        return Set(tables)
    }

    /// Whether the file says of the tables that are read what a history says.
    ///
    /// - Throws: `HistoryError` for a file that is certainly another program's, or a newer lockstep's.
    func isSchema(of db: Database, _ path: String) throws -> Bool {
        let found = try Self.tables(db)
        let names = Set(found.map(\.name))
        let id = try db.firstRow("PRAGMA application_id") { try $0.integer(0) }
        if id != HistoryFile.applicationID, names.isDisjoint(with: ["event", "session", "extent", "frame"]) {
            throw HistoryError(
                .foreign, "\(path) is no lockstep history: it is another program's SQLite database. It was not touched")
        }
        // Wherever they begin, as after a VACUUM: what they are called and hold is what matters.
        func shapes(_ tables: Set<Table>) -> Set<Table> {
            Set(
                tables.map { table in
                    var table = table
                    table.root = 0
                    return table
                })
        }
        // Only views read `ordinal`; histories before schema 3 have none.
        if shapes(tables.filter { $0.name != "ordinal" }).isSubset(of: shapes(found)) { return true }
        let version = try db.firstRow("PRAGMA user_version") { try $0.int(0) } ?? 0
        if id == HistoryFile.applicationID, version > SchemaCheck.currentVersion, version < 1000 {
            throw HistoryError(
                .newer, "\(path) was written by a newer lockstep (schema \(version)); use that to recover it")
        }
        return false
    }

    /// Makes the header of a file that was cut off say how long it is: SQLite refuses it otherwise.
    func fitSize(_ copy: String) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: copy))
        defer { try? file.close() }
        let size = try file.seekToEnd()
        guard size >= 100 else { return }
        try file.seek(toOffset: 0)
        guard var header = try file.read(upToCount: 100), Array(header.prefix(16)) == Self.magic else { return }
        let pages = UInt32(clamping: (size + UInt64(Self.pageSize) - 1) / UInt64(Self.pageSize))
        let said = header[28..<32].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        // A file whose last page is cut gets it back, empty.
        try file.truncate(atOffset: UInt64(pages) * UInt64(Self.pageSize))
        if said <= pages { return }
        Self.set(pages, in: &header)
        try file.seek(toOffset: 0)
        try file.write(contentsOf: header)
    }

    /// Puts this history's header and schema in place of the file's.
    func transplant(to copy: String) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: copy))
        defer { try? file.close() }
        let size = try file.seekToEnd()
        let source = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? source.close() }
        for page in schemaPages {
            let offset = UInt64(page - 1) * UInt64(Self.pageSize)
            try source.seek(toOffset: offset)
            guard var bytes = try source.read(upToCount: Self.pageSize) else { continue }
            if page == 1 {
                Self.set(UInt32(clamping: max(size / UInt64(Self.pageSize), UInt64(schemaPages.last ?? 1))), in: &bytes)
                // No free pages: what they were is not known.
                for index in 32..<40 { bytes[index] = 0 }
            }
            try file.seek(toOffset: offset)
            try file.write(contentsOf: bytes)
        }
    }

    /// Says in a header how many pages the file has.
    private static func set(_ pages: UInt32, in header: inout Data) {
        for index in 0..<4 {
            header[28 + index] = UInt8(truncatingIfNeeded: pages >> UInt32(24 - 8 * index))
            // Valid for this state of the file.
            header[92 + index] = header[24 + index]
        }
    }
}
