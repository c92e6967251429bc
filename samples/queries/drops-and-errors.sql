-- Which frames did not come through, which processors failed, and why?
.parameter init
INSERT OR IGNORE INTO temp.sqlite_parameters VALUES (':session', (SELECT max(session) FROM sessions));

SELECT seq, at_ms, event, stage, batch, branch, coalesce(processor, frame_name) AS who, coalesce(detail, text) AS why
FROM timeline
WHERE session = :session AND event IN ('drop', 'error')
ORDER BY seq;
