-- The views: what docs/HISTORY.md documents for the sqlite3 shell.
--
-- Each begins at `extent`, so that WHERE session = N reads that session's ranges of the log and nothing else; CROSS JOIN keeps
-- SQLite from turning that round, the plus sign from making an index of the whole log first.

BEGIN IMMEDIATE;

-- The log, unpacked: one row per event, with the rows that it refers to.
CREATE VIEW moment AS
SELECT x.session AS session,
    e.seq AS seq,
    e.time AS time,
    e.code & 15 AS kind,
    (e.code >> 4) & 3 AS direction,         -- 1 downstream, 2 upstream
    (e.code >> 6) & 7 AS outcome,           -- 1 released, 2 interrupted, 3 cancelled, 4 failed
    (e.code >> 9) & 1 AS last,              -- its batch's own EndFrame or StopFrame, which leaves last (C9)
    nullif((e.code >> 10) & 1023, 0) - 1 AS stage,
    nullif(e.code >> 20, 0) - 1 AS branch,
    e.batch AS batch,
    e.place AS place,
    e.arrival AS arrival,
    e.id AS event,
    e.subject AS subject,
    e.frame AS frame
FROM extent AS x
    CROSS JOIN event AS e
WHERE e.id BETWEEN x.first_event AND x.last_event
    AND +e.session = x.session
    AND (e.batch IS NULL OR e.batch BETWEEN x.min_batch AND x.max_batch);

CREATE VIEW sessions AS
SELECT session, uuid, name, source, state, started_at, ended_at, duration / 1e6 AS duration_ms,
    stages, inbound, outputs, released, duplicates, bypasses, incidents + findings AS findings, payload
FROM session;

CREATE VIEW stages AS
SELECT session, stage, name, frame_order,
    (SELECT count(*) FROM branch WHERE branch.session = stage.session AND branch.stage = stage.stage) AS branches,
    parent
FROM stage;

CREATE VIEW branches AS
SELECT session, stage, branch, name, processors FROM branch;

CREATE VIEW timeline AS
SELECT m.session AS session,
    m.seq AS seq,
    m.time / 1e6 AS at_ms,
    CASE m.kind WHEN 1 THEN 'inbound' WHEN 2 THEN 'output' WHEN 3 THEN 'sync' WHEN 4 THEN 'release'
        WHEN 5 THEN 'duplicate' WHEN 6 THEN 'drop' WHEN 7 THEN 'bypass' WHEN 8 THEN 'late' WHEN 9 THEN 'stall'
        WHEN 10 THEN 'error' WHEN 11 THEN 'anomaly' END AS event,
    m.stage AS stage,
    m.batch AS batch,
    m.branch AS branch,
    CASE WHEN m.kind IN (4, 5) THEN m.place END AS position,
    CASE m.direction WHEN 1 THEN 'downstream' WHEN 2 THEN 'upstream' END AS direction,
    f.frame_id AS frame_id,
    coalesce(f.name, t.name || '#' || f.frame_id) AS frame_name,
    t.name AS frame_type,
    t.class AS frame_class,
    CASE WHEN m.kind >= 9 THEN n.detail
        WHEN f.text IS NOT NULL THEN f.text
        WHEN h.payload_name IS NOT NULL THEN
            h.payload_name || coalesce(' ' || coalesce(o.payload_bytes, length(f.payload)) || ' bytes', '')
            || coalesce(' ' || json_extract(coalesce(f.fields, h.fields), '$.sample_rate') || ' Hz', '')
            || coalesce(' ' || json_extract(coalesce(f.fields, h.fields), '$.size[0]') || 'x'
                || json_extract(coalesce(f.fields, h.fields), '$.size[1]'), '')
            || coalesce(' ' || o.reason, '')
        WHEN o.frame IS NOT NULL AND f.fields IS NULL THEN
            coalesce('text ' || o.text_bytes || ' bytes ', '') || o.reason
        ELSE coalesce(json_extract(f.fields, '$.error'), f.fields) END AS text,
    n.detail AS detail,
    n.processor AS processor
FROM moment AS m
    LEFT JOIN event AS s ON s.id = m.subject
    LEFT JOIN frame AS f ON f.id = coalesce(m.frame, s.frame)
    LEFT JOIN shape AS h ON h.id = f.shape
    LEFT JOIN frame_type AS t ON t.id = h.type
    LEFT JOIN omission AS o ON o.frame = f.id
    LEFT JOIN note AS n ON n.event = m.event
WHERE m.kind <> 12;

-- Frames with all that is kept of them, by the event that first mentions them.
CREATE VIEW frames AS
SELECT m.session AS session,
    m.seq AS seq,
    f.frame_id AS frame_id,
    coalesce(f.name, t.name || '#' || f.frame_id) AS frame_name,
    t.name AS frame_type,
    t.class AS frame_class,
    f.pts AS pts,
    f.text AS text,
    coalesce(f.fields, h.fields, '{}') AS fields,
    coalesce(f.metadata, '{}') AS metadata,
    h.payload_name AS payload_name,
    coalesce(o.payload_bytes, length(f.payload)) AS payload_bytes,
    f.payload AS payload,
    coalesce(o.text_bytes, length(CAST(f.text AS BLOB))) AS text_bytes,
    o.reason AS omitted
FROM moment AS m
    JOIN frame AS f ON f.id = m.frame
    JOIN shape AS h ON h.id = f.shape
    JOIN frame_type AS t ON t.id = h.type
    LEFT JOIN omission AS o ON o.frame = f.id;

-- What C4 puts in order: outputs that were not dropped, and the EndFrame or StopFrame that no branch gave out.
CREATE VIEW candidate AS
SELECT m.session AS session,
    m.stage AS stage,
    m.batch AS batch,
    m.direction AS direction,
    m.kind = 4 OR m.last AS last,
    m.branch AS branch,
    m.place AS emission,
    m.arrival AS arrival,
    m.seq AS seq,
    f.frame_id AS frame_id,
    f.id AS frame
FROM moment AS m
    LEFT JOIN event AS s ON s.id = m.subject AND m.kind = 4
    JOIN frame AS f ON f.id = coalesce(m.frame, s.frame)
WHERE m.kind IN (2, 8) AND NOT EXISTS (SELECT 1 FROM dropped_output AS d WHERE d.output = m.event)
    OR m.kind = 4 AND s.code & 15 = 1;

-- C4 for the recorded outputs: sorted, the first of each frame id kept, upstream and downstream apart.
CREATE VIEW arrival_order AS
SELECT session, stage, batch, direction,
    row_number() OVER (PARTITION BY session, stage, batch, direction ORDER BY last, arrival, seq) - 1 AS position,
    branch, frame_id, frame
FROM (
    SELECT *, row_number() OVER (
        PARTITION BY session, stage, batch, direction, frame_id ORDER BY last, arrival, seq) AS mention
    FROM candidate)
WHERE mention = 1;

CREATE VIEW pipeline_order AS
SELECT session, stage, batch, direction,
    row_number() OVER (
        PARTITION BY session, stage, batch, direction
        ORDER BY last, iif(last, 0, branch), iif(last, 0, emission), arrival, seq) - 1 AS position,
    branch, frame_id, frame
FROM (
    SELECT *, row_number() OVER (
        PARTITION BY session, stage, batch, direction, frame_id
        ORDER BY last, iif(last, 0, branch), iif(last, 0, emission), arrival, seq) AS mention
    FROM candidate)
WHERE mention = 1;

CREATE VIEW recorded_order AS
SELECT m.session AS session, m.stage AS stage, m.batch AS batch, m.direction AS direction, m.place AS position,
    m.branch AS branch, m.seq AS seq, coalesce(m.frame, s.frame) AS frame
FROM moment AS m
    LEFT JOIN event AS s ON s.id = m.subject
WHERE m.kind = 4;

CREATE VIEW release_order AS
SELECT o.session AS session, o.stage AS stage, o.batch AS batch, o.frame_order AS frame_order,
    CASE o.direction WHEN 1 THEN 'downstream' WHEN 2 THEN 'upstream' END AS direction,
    o.position AS position, o.branch AS branch,
    f.frame_id AS frame_id,
    coalesce(f.name, t.name || '#' || f.frame_id) AS frame_name,
    t.name AS frame_type,
    CASE WHEN f.text IS NOT NULL THEN f.text
        WHEN h.payload_name IS NOT NULL THEN
            h.payload_name || coalesce(' ' || coalesce(x.payload_bytes, length(f.payload)) || ' bytes', '')
            || coalesce(' ' || json_extract(coalesce(f.fields, h.fields), '$.sample_rate') || ' Hz', '')
            || coalesce(' ' || json_extract(coalesce(f.fields, h.fields), '$.size[0]') || 'x'
                || json_extract(coalesce(f.fields, h.fields), '$.size[1]'), '')
            || coalesce(' ' || x.reason, '')
        WHEN x.frame IS NOT NULL AND f.fields IS NULL THEN
            coalesce('text ' || x.text_bytes || ' bytes ', '') || x.reason
        ELSE coalesce(json_extract(f.fields, '$.error'), f.fields) END AS text
FROM (
    SELECT session, stage, batch, 'recorded' AS frame_order, direction, position, branch, frame FROM recorded_order
    UNION ALL
    SELECT session, stage, batch, 'arrival', direction, position, branch, frame FROM arrival_order
    UNION ALL
    SELECT session, stage, batch, 'pipeline', direction, position, branch, frame FROM pipeline_order) AS o
    LEFT JOIN frame AS f ON f.id = o.frame
    LEFT JOIN shape AS h ON h.id = f.shape
    LEFT JOIN frame_type AS t ON t.id = h.type
    LEFT JOIN omission AS x ON x.frame = f.id;

CREATE VIEW order_diff AS
SELECT a.session AS session, a.stage AS stage, a.batch AS batch,
    CASE a.direction WHEN 1 THEN 'downstream' WHEN 2 THEN 'upstream' END AS direction,
    a.position AS position,
    a.frame_id AS arrival_frame_id, at.name AS arrival_type, a.branch AS arrival_branch,
    p.frame_id AS pipeline_frame_id, pt.name AS pipeline_type, p.branch AS pipeline_branch
FROM arrival_order AS a
    JOIN pipeline_order AS p ON p.session = a.session AND p.stage = a.stage AND p.batch = a.batch
        AND p.direction = a.direction AND p.position = a.position
    JOIN frame AS af ON af.id = a.frame
    JOIN shape AS ah ON ah.id = af.shape
    JOIN frame_type AS at ON at.id = ah.type
    JOIN frame AS pf ON pf.id = p.frame
    JOIN shape AS ph ON ph.id = pf.shape
    JOIN frame_type AS pt ON pt.id = ph.type
WHERE a.frame_id <> p.frame_id OR (a.frame <> p.frame AND af.hash IS NOT pf.hash);

-- One row per batch and branch: a branch that did not give its SyncFrame back before the batch ended is there, with NULL. The
-- others waited for it until the end.
CREATE VIEW barriers AS
SELECT session, stage, batch, branch, outputs,
    sync_time / 1e6 AS sync_ms,
    (iif(missing, end_time, last_time) - sync_time) / 1e6 AS waited_ms,
    iif(missing, sync_seq IS NULL, sync_seq = last_seq) AS straggler
FROM (
    SELECT *,
        max(sync_seq) OVER whole AS last_seq,
        max(sync_time) OVER whole AS last_time,
        sum(sync_seq IS NULL) OVER whole > 0 AS missing
    FROM (
        SELECT session, stage, batch, branch, outputs, end_time,
            iif(sync_seq > coalesce(end_seq, sync_seq), NULL, sync_seq) AS sync_seq,
            iif(sync_seq > coalesce(end_seq, sync_seq), NULL, sync_time) AS sync_time
        FROM (
            SELECT *, max(own_end_seq) OVER whole AS end_seq, max(own_end_time) OVER whole AS end_time
            FROM (
                SELECT m.session AS session, m.stage AS stage, m.batch AS batch,
                    coalesce(m.branch, b.branch) AS branch,
                    sum(m.kind IN (2, 8)) AS outputs,
                    max(CASE WHEN m.kind = 3 THEN m.time END) AS sync_time,
                    max(CASE WHEN m.kind = 3 THEN m.seq END) AS sync_seq,
                    max(CASE WHEN m.outcome > 0 THEN m.seq END) AS own_end_seq,
                    max(CASE WHEN m.outcome > 0 THEN m.time END) AS own_end_time
                FROM moment AS m
                    LEFT JOIN branch AS b ON m.kind = 1 AND b.session = m.session AND b.stage = m.stage
                WHERE m.batch IS NOT NULL AND (m.kind IN (1, 2, 3, 8) OR m.outcome > 0)
                GROUP BY m.session, m.stage, m.batch, coalesce(m.branch, b.branch))
            WINDOW whole AS (PARTITION BY session, stage, batch)))
    WHERE branch IS NOT NULL
    WINDOW whole AS (PARTITION BY session, stage, batch));

CREATE VIEW batches AS
SELECT b.session AS session, b.stage AS stage, b.batch AS batch,
    f.frame_id AS frame_id, t.name AS frame_type,
    CASE b.direction WHEN 1 THEN 'downstream' WHEN 2 THEN 'upstream' END AS direction,
    b.inbound_time / 1e6 AS inbound_ms,
    b.end_time / 1e6 AS released_ms,
    (b.end_time - b.inbound_time) / 1e6 AS held_ms,
    CASE b.outcome WHEN 1 THEN 'released' WHEN 2 THEN 'interrupted' WHEN 3 THEN 'cancelled' WHEN 4 THEN 'failed'
        ELSE 'open' END AS outcome,
    b.inbound_seq AS inbound_seq,
    b.end_seq AS end_seq
FROM (
    SELECT session, stage, batch,
        max(CASE WHEN kind = 1 THEN frame END) AS frame,
        max(CASE WHEN kind = 1 THEN direction END) AS direction,
        max(CASE WHEN kind = 1 THEN time END) AS inbound_time,
        max(CASE WHEN kind = 1 THEN seq END) AS inbound_seq,
        max(CASE WHEN outcome > 0 THEN seq END) AS end_seq,
        max(CASE WHEN outcome > 0 THEN time END) AS end_time,
        max(outcome) AS outcome
    FROM moment
    WHERE batch IS NOT NULL AND (kind = 1 OR outcome > 0)
    GROUP BY session, stage, batch) AS b
    LEFT JOIN frame AS f ON f.id = b.frame
    LEFT JOIN shape AS h ON h.id = f.shape
    LEFT JOIN frame_type AS t ON t.id = h.type;

CREATE VIEW replays AS
SELECT replay, session, frame_order, started_at, verdict, differing_batches FROM replay;

CREATE VIEW replay_order AS
SELECT r.replay AS replay, r.session AS session, o.stage AS stage, o.batch AS batch,
    iif(o.upstream, 'upstream', 'downstream') AS direction, o.position AS position, o.branch AS branch,
    o.frame_id AS frame_id, coalesce(o.frame_name, o.frame_type || '#' || o.frame_id) AS frame_name,
    o.frame_type AS frame_type
FROM replay AS r
    CROSS JOIN replay_release AS o
WHERE o.id BETWEEN r.first_release AND r.last_release AND +o.replay = r.replay;

CREATE VIEW findings AS
SELECT m.session AS session, m.seq AS seq, m.stage AS stage, m.batch AS batch, m.branch AS branch,
    CASE m.kind WHEN 8 THEN 'late-output' WHEN 9 THEN 'stall'
        ELSE iif(n.detail LIKE 'id collision:%', 'id-collision', 'anomaly') END AS kind,
    iif(m.kind = 9, 'error', 'warning') AS severity,
    coalesce(n.detail, iif(m.kind = 8,
        coalesce(f.name, t.name || '#' || f.frame_id) || ' came after its branch had given its SyncFrame back', '')) AS detail
FROM moment AS m
    LEFT JOIN note AS n ON n.event = m.event
    LEFT JOIN frame AS f ON f.id = m.frame
    LEFT JOIN shape AS h ON h.id = f.shape
    LEFT JOIN frame_type AS t ON t.id = h.type
WHERE m.kind IN (8, 9, 11)
UNION ALL
SELECT session, seq, stage, batch, branch, kind, severity, detail FROM finding;

INSERT INTO migration VALUES (2, '0002_views', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
PRAGMA user_version = 2;

COMMIT;
