-- Which outputs were left out because another branch had put out a frame of the same id, and whose was released instead?
.parameter init
INSERT OR IGNORE INTO temp.sqlite_parameters VALUES (':session', (SELECT max(session) FROM sessions));

SELECT seq, stage, batch, frame_name, branch AS left_out, released_from, position
FROM (
    SELECT *, max(CASE WHEN event = 'release' THEN branch END)
        OVER (PARTITION BY stage, batch, direction, position) AS released_from
    FROM timeline
    WHERE session = :session AND event IN ('release', 'duplicate'))
WHERE event = 'duplicate'
ORDER BY seq;
