import GRDB
import Migrations

/// Tells our files from others, down to the last view: a trigger or view that another hand put there could delete rows or
/// never end.
enum SchemaCheck {
    /// The version of the schema that this lockstep writes: its last migration's number.
    static var currentVersion: Int { Migrations.all.count }

    /// Refuses a file that is not one of ours.
    ///
    /// - Throws: `HistoryError` saying what is wrong and what to do.
    static func refuse(_ header: HistoryFile.Header, _ path: String) throws {
        switch header {
        case .missing:
            throw HistoryError(
                .notFound, "there is no history in \(path); record a session first, or give another path with --db")
        case .foreign(let why):
            throw HistoryError(
                .foreign, "\(path) is no lockstep history: \(why). It was not touched; give another path with --db")
        case .history(let version) where version > UInt32(currentVersion):
            throw HistoryError(
                .newer,
                "\(path) was written by a newer lockstep (schema \(version), this one knows \(currentVersion)); "
                    + "update lockstep")
        case .history: return
        }
    }

    /// Compares the file's schema with what the migrations up to its version give.
    static func verify(_ db: Database, _ path: String) throws {
        let version = try HistoryFile.version(db)
        guard version >= 1, version <= currentVersion else {
            return try refuse(.history(version: UInt32(clamping: version)), path)
        }
        let found = try objects(db)
        let expected = try SchemaText.objects(version: version) ?? builtObjects(version)
        guard found != expected else { return }
        let strange = found.subtracting(expected).map { "\($0.type) \($0.name.storable(maxBytes: 100))" }.sorted()
        let missing = expected.subtracting(found).map { "\($0.type) \($0.name)" }.sorted()
        let what =
            strange.first.map { "it has a \($0) that lockstep did not make" }
            ?? missing.first.map { "its \($0) is missing" } ?? "its schema differs"
        throw HistoryError(
            .foreign,
            "\(path) is no whole lockstep history: \(what). It was not touched; put it back as it was, or salvage its "
                + "sessions with 'lockstep recover'")
    }

    private static func objects(_ db: Database) throws -> Set<SchemaObject> {
        // SQLite's own tables and indexes (statistics of ANALYZE among them) are harmless.
        let objects = try db.rows(
            """
            SELECT type, name, sql FROM sqlite_schema
            WHERE NOT (name LIKE 'sqlite\\_%' ESCAPE '\\' AND type IN ('table', 'index'))
            """
        ) { row in
            SchemaObject(type: try row.text(0), name: try row.text(1), sql: try row.optionalText(2))
        }
        return Set(objects)
    }

    /// What the migrations up to `version` make, found out by making it.
    static func builtObjects(_ version: Int) throws -> Set<SchemaObject> {
        let scratch = try DatabaseQueue()
        return try scratch.inDatabase { db in
            for migration in Migrations.all.prefix(version) { try Migrator.run(migration, db) }
            return try objects(db)
        }
    }
}
