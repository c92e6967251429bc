import Migrations

/// A table, index, view or trigger, as SQLite's schema lists it.
struct SchemaObject: Hashable {
    var type: String
    var name: String
    var sql: String?
}

/// Reads off the migrations' text what SQLite's schema will say of them: a hundred times faster than running them, which every
/// command would do at its start.
enum SchemaText {
    /// What the migrations up to `version` make; nil when one of them does not only create, and running them is the only way
    /// to know.
    static func objects(version: Int) -> Set<SchemaObject>? {
        var objects: Set<SchemaObject> = []
        for migration in Migrations.all.prefix(version) {
            let lines = String(decoding: migration.sql, as: UTF8.self).split(
                separator: "\n", omittingEmptySubsequences: false)
            var statement: [Substring] = []
            for line in lines {
                if statement.isEmpty {
                    if line.hasPrefix("ALTER ") || line.hasPrefix("DROP ") { return nil }
                    guard line.hasPrefix("CREATE ") else { continue }
                }
                statement.append(line)
                guard line.hasSuffix(";") else { continue }
                // SQLite keeps a statement's text as it was written, without the semicolon.
                let sql = statement.joined(separator: "\n").dropLast()
                let words = sql.split(maxSplits: 3) { $0 == " " || $0 == "\n" }
                guard words.count == 4 else { return nil }
                objects.insert(SchemaObject(type: words[1].lowercased(), name: String(words[2]), sql: String(sql)))
                statement = []
            }
        }
        return objects
    }
}
