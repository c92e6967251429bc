-- How many frames came in and went out in each second of the session?
.parameter init
INSERT OR IGNORE INTO temp.sqlite_parameters VALUES (':session', (SELECT max(session) FROM sessions));

SELECT CAST(at_ms / 1000 AS INTEGER) AS second,
    sum(event = 'inbound') AS inbound,
    sum(event = 'release') AS released,
    sum(event = 'bypass') AS bypassed
FROM timeline
WHERE session = :session
GROUP BY second
ORDER BY second;
