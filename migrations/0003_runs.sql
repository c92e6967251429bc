-- One row of the log for a run of events: frames that a branch gives out in a burst, and their releases. Each took a row of 34
-- bytes, two for every 20 ms of audio.
--
-- `event.code` says from bit 36 on how many further events a row stands for, up to 255. They differ by one from each other, in `id`,
-- `seq`, `place`, `arrival`, `subject` and `frame`, each as far as it is not NULL, and in nothing else; what the row says is of the
-- first, but `outcome` of the last. The ids of further events are no row's: an event of any id is in the last row that is not behind
-- it. So `event.subject` and `dropped_output.output` are ids of events, and no foreign keys any more, though the tables still say so.

BEGIN IMMEDIATE;

-- 0 to 255, by which views take rows apart.
CREATE TABLE ordinal (
    number INTEGER PRIMARY KEY
) STRICT;

WITH RECURSIVE counted(number) AS (VALUES (0) UNION ALL SELECT number + 1 FROM counted WHERE number < 255)
INSERT INTO ordinal SELECT number FROM counted;

DROP VIEW moment;
DROP VIEW timeline;
DROP VIEW recorded_order;

-- The log, unpacked: a row for each event, with the rows that it refers to.
CREATE VIEW moment AS
SELECT x.session AS session,
    e.seq + o.number AS seq,
    e.time AS time,
    e.code & 15 AS kind,
    (e.code >> 4) & 3 AS direction,         -- 1 downstream, 2 upstream
    iif(o.number = e.code >> 36, (e.code >> 6) & 7, 0) AS outcome, -- 1 released, 2 interrupted, 3 cancelled, 4 failed
    (e.code >> 9) & 1 AS last,              -- its batch's own EndFrame or StopFrame, which leaves last (C9)
    nullif((e.code >> 10) & 1023, 0) - 1 AS stage,
    nullif((e.code >> 20) & 65535, 0) - 1 AS branch,
    e.batch AS batch,
    e.place + o.number AS place,
    e.arrival + o.number AS arrival,
    e.id + o.number AS event,
    e.subject + o.number AS subject,
    e.frame + o.number AS frame
FROM extent AS x
    CROSS JOIN event AS e
    CROSS JOIN ordinal AS o
WHERE e.id BETWEEN x.first_event AND x.last_event
    AND +e.session = x.session
    AND (e.batch IS NULL OR e.batch BETWEEN x.min_batch AND x.max_batch)
    AND o.number <= e.code >> 36;

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
    LEFT JOIN frame AS f ON f.id = coalesce(m.frame, s.frame, iif(m.subject IS NULL, NULL,
        (SELECT iif(m.subject - id <= code >> 36, frame + (m.subject - id), NULL) FROM event
            WHERE id <= m.subject ORDER BY id DESC LIMIT 1)))
    LEFT JOIN shape AS h ON h.id = f.shape
    LEFT JOIN frame_type AS t ON t.id = h.type
    LEFT JOIN omission AS o ON o.frame = f.id
    LEFT JOIN note AS n ON n.event = m.event
WHERE m.kind <> 12;

CREATE VIEW recorded_order AS
SELECT m.session AS session, m.stage AS stage, m.batch AS batch, m.direction AS direction, m.place AS position,
    m.branch AS branch, m.seq AS seq,
    coalesce(m.frame, s.frame, iif(m.subject IS NULL, NULL,
        (SELECT iif(m.subject - id <= code >> 36, frame + (m.subject - id), NULL) FROM event
            WHERE id <= m.subject ORDER BY id DESC LIMIT 1))) AS frame
FROM moment AS m
    LEFT JOIN event AS s ON s.id = m.subject
WHERE m.kind = 4;

INSERT INTO migration VALUES (3, '0003_runs', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
PRAGMA user_version = 3;

COMMIT;
