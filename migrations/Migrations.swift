/// The history's migrations in the order in which they apply: each a file of plain SQL in this folder.
public enum Migrations {
    public static let all: [(name: String, sql: [UInt8])] = [
        ("0001_sessions", PackageResources._001_sessions_sql)
    ]
}
