-- The ten batches that waited longest, and for which branch.
.parameter init
INSERT OR IGNORE INTO temp.sqlite_parameters VALUES (':session', (SELECT max(session) FROM sessions));

WITH slowest AS MATERIALIZED (
        SELECT stage, batch, frame_type, held_ms, outcome FROM batches
        WHERE session = :session AND held_ms IS NOT NULL
        ORDER BY held_ms DESC, stage, batch LIMIT 10),
    last_in AS MATERIALIZED (
        SELECT stage, batch, branch FROM barriers WHERE session = :session AND straggler)
SELECT b.stage, b.batch, b.frame_type, round(b.held_ms, 3) AS held_ms, s.branch AS waited_for, b.outcome
FROM slowest AS b
    LEFT JOIN last_in AS s USING (stage, batch)
ORDER BY b.held_ms DESC, b.stage, b.batch;
