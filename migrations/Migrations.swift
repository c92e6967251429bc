/// The history's migrations in the order in which they apply: each a file of plain SQL in this folder.
///
/// A file is one transaction that also enters itself into the ledger `migration` and sets `user_version`, so that running
/// it with the sqlite3 shell does the same as lockstep does. Files are never changed once released, only added.
public enum Migrations {
    public static let all: [(name: String, sql: [UInt8])] = [
        ("0001_sessions", PackageResources._001_sessions_sql),
        ("0002_views", PackageResources._002_views_sql),
        ("0003_runs", PackageResources._003_runs_sql),
        ("0004_patterns", PackageResources._004_patterns_sql),
    ]
}
