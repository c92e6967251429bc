import Foundation

/// Histories as they were before events shared rows.
enum FlatHistory {
    /// Gives each event a row of its own.
    static let flatten = unfolding("1")

    /// Gives each event a row of its own that is in one as schema 3 does not have.
    static let flattenToRuns = unfolding("code >> 44 > 0")

    private static func unfolding(_ rows: String) -> String {
        """
        CREATE TEMP TABLE flat AS
        SELECT event, session, seq, time,
            kind | (direction << 4) | (outcome << 6) | (last << 9) | ((ifnull(stage, -1) + 1) << 10) | ((ifnull(branch, -1) + 1) << 20),
            batch, place, arrival, subject, frame
        FROM moment WHERE event IN (
            SELECT id + number FROM event CROSS JOIN ordinal WHERE number <= (code >> 36) & 255 AND \(rows));
        DELETE FROM event WHERE \(rows);
        DELETE FROM event_times;
        DELETE FROM pattern_event;
        DELETE FROM pattern;
        INSERT INTO event SELECT * FROM flat;
        DROP TABLE temp.flat;
        """
    }

    /// Makes a history one of schema 2 or 3.
    static func downgrade(to version: Int) throws -> String {
        let views = try ["0002_views", "0003_runs"].prefix(version - 1).last.map {
            try String(contentsOfFile: repository + "/migrations/\($0).sql", encoding: .utf8)
        }
        var sql = version == 2 ? flatten + "DROP TABLE ordinal;" : flattenToRuns
        for table in ["event_times", "pattern_event", "pattern"] { sql += "DROP TABLE \(table);" }
        for view in ["moment", "timeline", "recorded_order"] {
            guard let views, let start = views.range(of: "CREATE VIEW \(view) AS"),
                let end = views[start.lowerBound...].range(of: ";\n")
            else { continue }
            sql += "DROP VIEW \(view);\n" + views[start.lowerBound..<end.upperBound]
        }
        return sql + "DELETE FROM migration WHERE number > \(version); PRAGMA user_version = \(version);"
    }
}
