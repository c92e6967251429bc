import Foundation
import GRDB

/// A new, empty history: what a damaged one must look like where it says what its tables are.
///
/// Every history is made by the same migrations, so that its tables begin at the same pages: SQLite keeps their roots together, at the
/// beginning. Where the header or the schema of one cannot be read, they are taken from here.
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
        let version = try HistoryFile.version(db)
        // Only views read `ordinal`. Histories before schema 4 have no rows that need the others.
        let optional: Set = version < 4 ? ["ordinal", "pattern", "pattern_event", "event_times"] : ["ordinal"]
        if shapes(tables.filter { !optional.contains($0.name) }).isSubset(of: shapes(found)) { return true }
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

    /// Puts this history's header and schema in place of the file's. What the schema has besides the first page goes behind the
    /// file's end: where it was, an older lockstep's histories have rows.
    func transplant(to copy: String) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: copy))
        defer { try? file.close() }
        let source = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? source.close() }
        func page(_ number: Int) throws -> Data? {
            try source.seek(toOffset: UInt64(number - 1) * UInt64(Self.pageSize))
            return try source.read(upToCount: Self.pageSize)
        }
        guard var first = try page(1) else { return }
        var end = (try file.seekToEnd() + UInt64(Self.pageSize) - 1) / UInt64(Self.pageSize)
        var moved: [UInt32: UInt32] = [:]
        for number in schemaPages.dropFirst() {
            guard let bytes = try page(number) else { continue }
            try file.seek(toOffset: end * UInt64(Self.pageSize))
            try file.write(contentsOf: bytes)
            end += 1
            moved[UInt32(number)] = UInt32(clamping: end)
        }
        Self.moveChildren(of: &first, moved)
        Self.set(UInt32(clamping: end), in: &first)
        // No free pages: what they were is not known.
        for index in 32..<40 { first[index] = 0 }
        try file.seek(toOffset: 0)
        try file.write(contentsOf: first)
    }

    /// Gives the pages that the schema's root refers to their new numbers: its cells begin with one, and one is the last
    /// (SQLite's file format, "B-tree Pages"; the root's header begins behind the file's, at 100).
    private static func moveChildren(of root: inout Data, _ moved: [UInt32: UInt32]) {
        func number(_ place: Int, _ count: Int) -> UInt32 {
            root[place..<place + count].reduce(0) { $0 << 8 | UInt32($1) }
        }
        guard root[100] == 5 else { return }  // a leaf refers to none
        let cells = (0..<Int(number(103, 2))).map { Int(number(112 + 2 * $0, 2)) }
        for place in [108] + cells {
            guard let new = moved[number(place, 4)] else { continue }
            for index in 0..<4 { root[place + index] = UInt8(truncatingIfNeeded: new >> UInt32(24 - 8 * index)) }
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
