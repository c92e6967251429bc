-- What was still open when the recording ended, and which branches had not given their SyncFrame back? The first thing to look at
-- after a hang or a crash.
.parameter init
INSERT OR IGNORE INTO temp.sqlite_parameters VALUES (':session', (SELECT max(session) FROM sessions));

WITH still_open AS MATERIALIZED (
        SELECT stage, batch, frame_type, frame_id, inbound_ms FROM batches WHERE session = :session AND outcome = 'open'),
    waiting AS MATERIALIZED (
        SELECT stage, batch, branch, outputs, sync_ms FROM barriers
        WHERE session = :session AND batch >= (SELECT min(batch) FROM still_open))
SELECT b.stage, b.batch, b.frame_type, b.frame_id, b.inbound_ms,
    group_concat(CASE WHEN s.sync_ms IS NULL THEN coalesce(n.name, s.branch) END) AS waiting_for,
    sum(s.outputs) AS outputs_so_far
FROM still_open AS b
    CROSS JOIN waiting AS s USING (stage, batch)
    LEFT JOIN branches AS n ON n.session = :session AND n.stage = s.stage AND n.branch = s.branch
GROUP BY b.stage, b.batch
ORDER BY b.stage, b.batch;
