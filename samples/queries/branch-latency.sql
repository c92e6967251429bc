-- How long after a frame came in did each branch put out its first frame, and its last? Means over all batches, in ms.
.parameter init
INSERT OR IGNORE INTO temp.sqlite_parameters VALUES (':session', (SELECT max(session) FROM sessions));

SELECT stage, branch, count(*) AS batches,
    round(avg(first_ms - inbound_ms), 3) AS to_first_output,
    round(avg(last_ms - inbound_ms), 3) AS to_last_output
FROM (
    SELECT stage, batch, branch, min(at_ms) AS first_ms, max(at_ms) AS last_ms,
        min(min(at_ms)) FILTER (WHERE branch IS NULL) OVER (PARTITION BY stage, batch) AS inbound_ms
    FROM timeline
    WHERE session = :session AND event IN ('inbound', 'output')
    GROUP BY stage, batch, branch)
WHERE branch IS NOT NULL
GROUP BY stage, branch
ORDER BY stage, branch;
