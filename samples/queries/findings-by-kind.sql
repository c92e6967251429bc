-- What is wrong, over the whole history: each kind of finding, how often, in how many sessions, and where it was seen first.
SELECT kind, severity, count(*) AS times, count(DISTINCT session) AS sessions, min(session) AS first_session
FROM findings
GROUP BY kind, severity
ORDER BY severity, times DESC, kind;
