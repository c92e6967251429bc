-- One row of the log for whole batches that went alike, as those of a stream of audio do: with a row for each event, the five to seven
-- events of a batch took a quarter of what 20 ms of audio take. And one row for a run whose events have different times.
--
-- `event.code` says from bit 36 on how many further events a row stands for, in eight bits now. Bit 44: the events have times of their
-- own, in `event_times`. Bit 45: the row is batches that went alike, one or more. Of those, `place` is the number of their pattern,
-- `arrival` how many events each has, and `subject` how many frames each brings; the other columns are of the first event. Ids and
-- sequences run on over all of them, `batch` over the batches, and `frame` over the frames that they bring.

BEGIN IMMEDIATE;

-- How batches went, but for their numbers and times. Never changed, and never removed: no content is in it.
CREATE TABLE pattern (
    id INTEGER PRIMARY KEY,
    hash INTEGER NOT NULL,                 -- of its events
    copy TEXT NOT NULL CHECK (json_valid(copy)) -- of them, since a session's whole log may hang on a few rows: an array for each
) STRICT;

-- `place` and `arrival` as in a row of the event's own.
CREATE TABLE pattern_event (
    pattern INTEGER NOT NULL REFERENCES pattern,
    number INTEGER NOT NULL CHECK (number BETWEEN 0 AND 255),
    code INTEGER NOT NULL CHECK (code & 15 BETWEEN 1 AND 12 AND (code >> 4) & 3 <= 2 AND (code >> 6) & 7 <= 4 AND code >> 36 = 0),
    place INTEGER,
    arrival INTEGER,
    subject INTEGER CHECK (subject > 0),   -- how many events before
    frame INTEGER CHECK (frame >= 0),      -- which of the frames that the batch brings
    step INTEGER NOT NULL CHECK (step >= 0), -- which of the batch's times
    PRIMARY KEY (pattern, number)
) WITHOUT ROWID, STRICT;

-- Numbers of a fixed width each, in decimal digits, so that a view need not read all of them to find one. For each batch of a row: by
-- how much later than the row it begins, and by how much later than that each further step is. For each event of a run: by how much
-- later than the row it is.
CREATE TABLE event_times (
    event INTEGER PRIMARY KEY,
    unit INTEGER NOT NULL CHECK (unit IN (1, 1000)), -- ns
    bytes INTEGER NOT NULL CHECK (bytes >= first_bytes), -- for each batch, or event of a run
    first_bytes INTEGER NOT NULL CHECK (first_bytes BETWEEN 1 AND 20), -- of those, of the first number
    step_bytes INTEGER NOT NULL CHECK (step_bytes BETWEEN 1 AND 20), -- of those, of each other
    times BLOB NOT NULL CHECK (length(times) % bytes = 0)
) STRICT;

DROP VIEW moment;
DROP VIEW timeline;
DROP VIEW recorded_order;

-- The log, unpacked: a row for each event, with the rows that it refers to. `o` counts the events of a run; or the batches of a row,
-- and `q` the events of each.
CREATE VIEW moment AS
SELECT x.session AS session,
    e.seq + iif(q.code IS NULL, o.number, o.number * e.arrival + q.number) AS seq,
    e.time + iif((e.code >> 44) & 1, (
        SELECT t.unit * (CAST(substr(t.times, 1 + o.number * t.bytes, t.first_bytes) AS INTEGER)
            + iif(q.step > 0, CAST(substr(t.times, 1 + o.number * t.bytes + t.first_bytes + (q.step - 1) * t.step_bytes,
                t.step_bytes) AS INTEGER), 0))
        FROM event_times AS t WHERE t.event = e.id), 0) AS time,
    ifnull(q.code, e.code) & 15 AS kind,
    (ifnull(q.code, e.code) >> 4) & 3 AS direction, -- 1 downstream, 2 upstream
    iif(q.code IS NULL AND o.number < (e.code >> 36) & 255, 0, (ifnull(q.code, e.code) >> 6) & 7) AS outcome,
        -- 1 released, 2 interrupted, 3 cancelled, 4 failed
    (ifnull(q.code, e.code) >> 9) & 1 AS last, -- its batch's own EndFrame or StopFrame, which leaves last (C9)
    nullif((e.code >> 10) & 1023, 0) - 1 AS stage,
    nullif((ifnull(q.code, e.code) >> 20) & 65535, 0) - 1 AS branch,
    e.batch + ((e.code >> 45) & 1) * o.number AS batch,
    iif(q.code IS NULL, e.place + o.number, q.place) AS place,
    iif(q.code IS NULL, e.arrival + o.number, q.arrival) AS arrival,
    e.id + iif(q.code IS NULL, o.number, o.number * e.arrival + q.number) AS event,
    iif(q.code IS NULL, e.subject + o.number, e.id + o.number * e.arrival + q.number - q.subject) AS subject,
    e.frame + iif(q.code IS NULL, o.number, o.number * e.subject + q.frame) AS frame
FROM extent AS x
    CROSS JOIN event AS e
    CROSS JOIN ordinal AS o
    LEFT JOIN pattern_event AS q ON q.pattern = iif((e.code >> 45) & 1, e.place, NULL)
WHERE e.id BETWEEN x.first_event AND x.last_event
    AND +e.session = x.session
    AND (e.batch IS NULL OR e.batch BETWEEN x.min_batch AND x.max_batch)
    AND o.number <= iif((e.code >> 45) & 1, ((e.code >> 36) & 255) / e.arrival, (e.code >> 36) & 255)
    -- Nothing is made up for a pattern that is lost.
    AND (q.code IS NOT NULL OR (e.code >> 45) & 1 = 0);

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
        (SELECT CASE WHEN m.subject - r.id > (r.code >> 36) & 255 THEN NULL
                WHEN (r.code >> 45) & 1 THEN r.frame + (m.subject - r.id) / r.arrival * r.subject
                    + (SELECT p.frame FROM pattern_event AS p
                        WHERE p.pattern = r.place AND p.number = (m.subject - r.id) % r.arrival)
                ELSE r.frame + (m.subject - r.id) END
            FROM event AS r WHERE r.id <= m.subject ORDER BY r.id DESC LIMIT 1)))
    LEFT JOIN shape AS h ON h.id = f.shape
    LEFT JOIN frame_type AS t ON t.id = h.type
    LEFT JOIN omission AS o ON o.frame = f.id
    LEFT JOIN note AS n ON n.event = m.event
WHERE m.kind <> 12;

CREATE VIEW recorded_order AS
SELECT m.session AS session, m.stage AS stage, m.batch AS batch, m.direction AS direction, m.place AS position,
    m.branch AS branch, m.seq AS seq,
    coalesce(m.frame, s.frame, iif(m.subject IS NULL, NULL,
        (SELECT CASE WHEN m.subject - r.id > (r.code >> 36) & 255 THEN NULL
                WHEN (r.code >> 45) & 1 THEN r.frame + (m.subject - r.id) / r.arrival * r.subject
                    + (SELECT p.frame FROM pattern_event AS p
                        WHERE p.pattern = r.place AND p.number = (m.subject - r.id) % r.arrival)
                ELSE r.frame + (m.subject - r.id) END
            FROM event AS r WHERE r.id <= m.subject ORDER BY r.id DESC LIMIT 1))) AS frame
FROM moment AS m
    LEFT JOIN event AS s ON s.id = m.subject
WHERE m.kind = 4;

INSERT INTO migration VALUES (4, '0004_patterns', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
PRAGMA user_version = 4;

COMMIT;
