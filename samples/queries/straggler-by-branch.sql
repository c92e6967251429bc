-- Which branch do the others wait for? For each branch: in how many batches it came last, and how long the others waited for it
-- then, on average and at most.
.parameter init
INSERT OR IGNORE INTO temp.sqlite_parameters VALUES (':session', (SELECT max(session) FROM sessions));

WITH part AS MATERIALIZED (
        SELECT stage, batch, branch, straggler, max(waited_ms) OVER (PARTITION BY stage, batch) AS longest
        FROM barriers WHERE session = :session)
SELECT p.stage, p.branch, b.name, count(*) AS batches, sum(p.straggler) AS last_in,
    round(avg(CASE WHEN p.straggler THEN p.longest END), 3) AS mean_wait_ms,
    round(max(CASE WHEN p.straggler THEN p.longest END), 3) AS longest_wait_ms
FROM part AS p
    LEFT JOIN branches AS b ON b.session = :session AND b.stage = p.stage AND b.branch = p.branch
GROUP BY p.stage, p.branch
ORDER BY p.stage, last_in DESC, p.branch;
