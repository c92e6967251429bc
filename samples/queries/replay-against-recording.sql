-- Where did the latest replay release something else than was recorded? Empty when it reproduced the session.
.parameter init
INSERT OR IGNORE INTO temp.sqlite_parameters VALUES (':session', (SELECT max(session) FROM sessions));

INSERT OR REPLACE INTO temp.sqlite_parameters
VALUES (':replay', (SELECT max(replay) FROM replays
    WHERE session = (SELECT value FROM temp.sqlite_parameters WHERE key = ':session')));

SELECT stage, batch, direction, position, max(recorded) AS recorded, max(replayed) AS replayed
FROM (
    SELECT stage, batch, direction, position, frame_name AS recorded, NULL AS replayed FROM release_order
    WHERE session = :session AND frame_order = 'recorded' AND :replay IS NOT NULL
    UNION ALL
    SELECT stage, batch, direction, position, NULL, frame_name FROM replay_order WHERE replay = :replay)
GROUP BY stage, batch, direction, position
HAVING max(recorded) IS NOT max(replayed)
ORDER BY stage, batch, direction DESC, position;
