-- Everything that happened to one frame: .parameter set :frame ID (without it: the first frame that came in).
.parameter init
INSERT OR IGNORE INTO temp.sqlite_parameters VALUES (':session', (SELECT max(session) FROM sessions));

INSERT OR IGNORE INTO temp.sqlite_parameters
VALUES (':frame', (SELECT frame_id FROM timeline WHERE session = (SELECT value FROM temp.sqlite_parameters WHERE key = ':session')
    AND event = 'inbound' ORDER BY seq LIMIT 1));

SELECT seq, at_ms, event, stage, batch, branch, position, frame_name, text
FROM timeline
WHERE session = :session AND frame_id = :frame
ORDER BY seq;
