import GRDB
import Migrations

/// Brings a history to the current schema.
enum Migrator {
    /// Whether the file is an older lockstep's.
    static func isDue(_ db: Database) throws -> Bool { try HistoryFile.version(db) < Migrations.all.count }

    /// Applies the migrations that the file does not have, each in its own transaction.
    static func migrate(_ db: Database) throws {
        let version = try HistoryFile.version(db)
        for migration in Migrations.all.dropFirst(max(0, version)) { try run(migration, db) }
    }

    /// Runs one migration's file as it is: it holds its own transaction.
    static func run(_ migration: (name: String, sql: [UInt8]), _ db: Database) throws {
        do {
            try db.execute(sql: String(decoding: migration.sql, as: UTF8.self))
        } catch {
            if db.isInsideTransaction { try? db.execute(sql: "ROLLBACK") }
            throw error
        }
    }
}
