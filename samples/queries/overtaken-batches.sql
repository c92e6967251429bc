-- Which system frames passed while a batch was open (C7), and how long had it been open?
.parameter init
INSERT OR IGNORE INTO temp.sqlite_parameters VALUES (':session', (SELECT max(session) FROM sessions));

SELECT seq, at_ms, frame_name, stage, open_batch, round(at_ms - open_since_ms, 3) AS open_for_ms
FROM (
    -- Batches of a stage follow one another (C3), so the greatest so far is the latest.
    SELECT *, max(batch) OVER so_far AS open_batch, max(inbound_ms) OVER so_far AS open_since_ms,
        max(end_seq) OVER so_far AS open_until
    FROM (
        SELECT stage, seq, at_ms, frame_name, NULL AS batch, NULL AS inbound_ms, NULL AS end_seq
        FROM timeline WHERE session = :session AND event = 'bypass'
        UNION ALL
        SELECT stage, inbound_seq, inbound_ms, NULL, batch, inbound_ms, coalesce(end_seq, 9223372036854775807)
        FROM batches WHERE session = :session)
    WINDOW so_far AS (PARTITION BY stage ORDER BY seq))
WHERE frame_name IS NOT NULL AND open_until > seq
ORDER BY seq;
