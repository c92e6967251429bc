-- How long do batches wait from acceptance to release? Percentiles per stage, in ms, over the batches that were released.
.parameter init
INSERT OR IGNORE INTO temp.sqlite_parameters VALUES (':session', (SELECT max(session) FROM sessions));

SELECT stage, count(*) AS batches,
    round(min(CASE WHEN rank >= 0.50 THEN held_ms END), 3) AS p50,
    round(min(CASE WHEN rank >= 0.90 THEN held_ms END), 3) AS p90,
    round(min(CASE WHEN rank >= 0.99 THEN held_ms END), 3) AS p99,
    round(max(held_ms), 3) AS longest
FROM (
    SELECT stage, held_ms, cume_dist() OVER (PARTITION BY stage ORDER BY held_ms) AS rank
    FROM batches WHERE session = :session AND outcome = 'released')
GROUP BY stage
ORDER BY stage;
