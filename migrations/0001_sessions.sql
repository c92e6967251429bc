-- The tables and views of a lockstep history. The views are the documented interface (docs/HISTORY.md); tables may change with
-- a later migration. This file can be run by the sqlite3 shell on an empty file and gives the same history as lockstep does.

PRAGMA page_size = 16384;          -- a third faster to append to than 4 KiB pages
PRAGMA auto_vacuum = INCREMENTAL;  -- pruning gives space back in small steps, while sessions are recorded
PRAGMA journal_mode = WAL;

BEGIN IMMEDIATE;

CREATE TABLE migration (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    applied_at TEXT NOT NULL
) STRICT;

-- Numbers that a writer reads at the start of each transaction, because another process may have changed them.
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- Keys of this history's own, for hashes that only its owner can compare.
CREATE TABLE secret (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID, STRICT;

-- Counts are kept up to date while recording (at most a second behind) and final when the session closes.
CREATE TABLE session (
    session INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE CHECK (length(uuid) = 36),
    name TEXT,
    source TEXT,
    state TEXT NOT NULL CHECK (state IN ('recording', 'complete', 'failed', 'interrupted')),
    started_at TEXT NOT NULL,
    ended_at TEXT,
    duration INTEGER NOT NULL DEFAULT 0,   -- ns: the time of its last event
    inbound INTEGER NOT NULL DEFAULT 0,
    outputs INTEGER NOT NULL DEFAULT 0,
    released INTEGER NOT NULL DEFAULT 0,
    duplicates INTEGER NOT NULL DEFAULT 0,
    bypasses INTEGER NOT NULL DEFAULT 0,
    incidents INTEGER NOT NULL DEFAULT 0,  -- late outputs, stalls, anomalies
    stages INTEGER NOT NULL DEFAULT 0,
    findings INTEGER NOT NULL DEFAULT 0,   -- rows in `finding`
    events INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,      -- roughly what it takes in the file
    counted_to INTEGER NOT NULL DEFAULT 0, -- the last event that these counts know of
    events_hash INTEGER,                   -- over its events up to counted_to
    seal INTEGER,                          -- over this row, its stages, branches, findings and extents; once closed
    payload TEXT NOT NULL DEFAULT 'full' CHECK (payload IN ('full', 'text', 'hash', 'none')), -- what is kept of frames
    owner INTEGER,                         -- the lock that its recording process holds; NULL once closed
    imported INTEGER NOT NULL DEFAULT 0 CHECK (imported IN (0, 1, 2)) -- 1 a whole copy, 2 one that is not complete
) STRICT;

CREATE TABLE stage (
    session INTEGER NOT NULL REFERENCES session,
    stage INTEGER NOT NULL CHECK (stage BETWEEN 0 AND 1022),
    name TEXT NOT NULL,
    frame_order TEXT CHECK (frame_order IN ('arrival', 'pipeline')),
    parent INTEGER,
    PRIMARY KEY (session, stage)
) WITHOUT ROWID, STRICT;

CREATE TABLE branch (
    session INTEGER NOT NULL REFERENCES session,
    stage INTEGER NOT NULL,
    branch INTEGER NOT NULL CHECK (branch >= 0),
    name TEXT,
    processors TEXT NOT NULL CHECK (json_valid(processors)),
    PRIMARY KEY (session, stage, branch)
) WITHOUT ROWID, STRICT;

CREATE TABLE frame_type (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    class TEXT NOT NULL CHECK (class IN ('system', 'data', 'control', 'frame')),
    interruptible INTEGER NOT NULL CHECK (interruptible IN (0, 1)),
    base INTEGER REFERENCES frame_type,
    hash INTEGER NOT NULL                  -- of all this, with the base's
) STRICT;

-- What many frames have in common. `fields` is set for frames with a payload only: every piece of a stream of audio has the
-- same sample rate.
CREATE TABLE shape (
    id INTEGER PRIMARY KEY,
    type INTEGER NOT NULL REFERENCES frame_type,
    payload_name TEXT,
    fields TEXT CHECK (fields IS NULL OR json_valid(fields)),
    hash INTEGER NOT NULL                  -- of all this, with the type's
) STRICT;

-- The content of frames, once for all events that mention it.
CREATE TABLE frame (
    id INTEGER PRIMARY KEY,
    frame_id INTEGER NOT NULL CHECK (frame_id > 0),
    shape INTEGER NOT NULL REFERENCES shape,
    hash INTEGER NOT NULL,                 -- of type, pts, text, fields, metadata, payload and omission; not of id and name
    pts INTEGER,
    name TEXT,                             -- NULL: type#id
    text TEXT,
    fields TEXT CHECK (fields IS NULL OR json_valid(fields)), -- JSON, without text and payload; NULL: those of the shape, or none
    metadata TEXT CHECK (metadata IS NULL OR json_valid(metadata)),
    payload BLOB
) STRICT;

-- Frames of which not everything was kept.
CREATE TABLE omission (
    frame INTEGER PRIMARY KEY REFERENCES frame,
    reason TEXT NOT NULL CHECK (reason IN ('truncated', 'withheld', 'redacted', 'damaged')),
    text_bytes INTEGER,
    payload_bytes INTEGER,
    digest INTEGER                         -- of the whole content, with this history's key: equal for equal content
) STRICT;

-- Everything that happened, in the order in which it was written, all sessions together: an append-only log. One session after
-- another in a tree ordered by session would touch a page per live session and commit, fifty times as much.
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES session,
    seq INTEGER NOT NULL CHECK (seq > 0),
    time INTEGER NOT NULL,                 -- ns since the session's start
    -- kind | direction << 4 | outcome << 6 | last << 9 | (stage + 1) << 10 | (branch + 1) << 20: packed, because every column
    -- of this table costs 3 % of the recording speed. The view `moment` unpacks it.
    code INTEGER NOT NULL CHECK (code & 15 BETWEEN 1 AND 12 AND (code >> 4) & 3 <= 2 AND (code >> 6) & 7 <= 4),
    batch INTEGER CHECK (batch > 0),
    place INTEGER,                         -- output, late: emission; release, duplicate: position
    arrival INTEGER,
    subject INTEGER REFERENCES event,
    frame INTEGER REFERENCES frame
) STRICT;

-- Where in the log a session's events are. Ranges may contain events of other sessions. The last range of a session that is
-- being recorded has no end.
CREATE TABLE extent (
    session INTEGER NOT NULL REFERENCES session,
    first_event INTEGER NOT NULL,
    last_event INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    min_batch INTEGER NOT NULL,
    max_batch INTEGER NOT NULL,
    PRIMARY KEY (session, first_event)
) WITHOUT ROWID, STRICT;

-- What few events have.
CREATE TABLE note (
    event INTEGER PRIMARY KEY REFERENCES event,
    processor TEXT,
    detail TEXT
) STRICT;

-- Outputs that a `drop` event is about.
CREATE TABLE dropped_output (
    output INTEGER PRIMARY KEY REFERENCES event
) STRICT;

-- Findings that no single event shows.
CREATE TABLE finding (
    session INTEGER NOT NULL REFERENCES session,
    number INTEGER NOT NULL,
    seq INTEGER,
    stage INTEGER,
    batch INTEGER,
    branch INTEGER,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL CHECK (severity IN ('error', 'warning', 'note')),
    detail TEXT NOT NULL,
    PRIMARY KEY (session, number)
) WITHOUT ROWID, STRICT;

CREATE TABLE replay (
    replay INTEGER PRIMARY KEY AUTOINCREMENT,
    session INTEGER NOT NULL REFERENCES session,
    frame_order TEXT NOT NULL CHECK (frame_order IN ('recorded', 'arrival', 'pipeline')),
    started_at TEXT NOT NULL,
    verdict TEXT,
    differing_batches INTEGER,
    first_release INTEGER,                 -- its rows in replay_release lie between these
    last_release INTEGER
) STRICT;

CREATE INDEX replay_session ON replay (session);

CREATE TABLE replay_release (
    id INTEGER PRIMARY KEY,
    replay INTEGER NOT NULL REFERENCES replay,
    stage INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    upstream INTEGER NOT NULL CHECK (upstream IN (0, 1)),
    position INTEGER NOT NULL,
    branch INTEGER,
    frame_id INTEGER NOT NULL,
    frame_name TEXT,                       -- NULL: type#id
    frame_type TEXT NOT NULL
) STRICT;

-- Ranges of deleted sessions whose rows are still to be removed: deleting is one short transaction and then many small ones,
-- and goes on at the next opening if the process dies in between.
CREATE TABLE discarded (
    session INTEGER NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('event', 'replay_release')),
    first_row INTEGER NOT NULL,
    last_row INTEGER NOT NULL,
    PRIMARY KEY (session, source, first_row)
) WITHOUT ROWID, STRICT;

INSERT INTO migration VALUES (1, '0001_sessions', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
INSERT INTO counter VALUES ('shapes removed', 0);
INSERT INTO secret VALUES ('content', randomblob(32));
PRAGMA application_id = 0x4C6B7374;    -- 'Lkst'
PRAGMA user_version = 1;

COMMIT;
