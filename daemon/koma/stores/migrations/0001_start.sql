-- Light columns are real columns, so that planning never parses JSON; bodies lie apart, so that scans stay small.

-- Counts writes. It starts anywhere, so that a store made anew is never mistaken for the one before it.
CREATE TABLE serial (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    value INTEGER NOT NULL
) STRICT;
INSERT INTO serial VALUES (1, random() & 0xFFFFFFFFFFFF);

CREATE TABLE take_bodies (
    id INTEGER PRIMARY KEY,
    facts TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;

-- Ordered as planning reads it. Two targets may have one take_key: it names what is drawn, not for whom.
CREATE TABLE takes (
    take_key TEXT NOT NULL,
    target TEXT NOT NULL,
    rendition TEXT NOT NULL,
    render_key TEXT NOT NULL,
    number INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    decided INTEGER NOT NULL CHECK (decided IN (0, 1)),
    approved INTEGER NOT NULL CHECK (approved IN (0, 1)),
    measure_key TEXT NOT NULL,
    rules_digest TEXT NOT NULL,
    object_digest TEXT NOT NULL,
    content_digest TEXT NOT NULL,
    template TEXT NOT NULL,
    made_seconds REAL NOT NULL, -- 0 where nothing was made
    finished_at REAL NOT NULL,
    body_id INTEGER NOT NULL UNIQUE REFERENCES take_bodies (id),
    PRIMARY KEY (target, rendition, render_key, number, take_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX takes_by_key ON takes (take_key);
CREATE INDEX takes_by_render_key ON takes (render_key);
CREATE INDEX takes_by_template ON takes (template, finished_at, made_seconds) WHERE made_seconds > 0;

-- A decided key is never opened again.
CREATE TRIGGER takes_stay_decided
BEFORE UPDATE OF decided ON takes
WHEN OLD.decided = 1 AND NEW.decided = 0
BEGIN
    SELECT RAISE(ABORT, 'a decided take can not become undecided');
END;

CREATE TABLE published (
    target TEXT NOT NULL,
    rendition TEXT NOT NULL,
    take_key TEXT NOT NULL,
    render_key TEXT NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL CHECK (size >= 0),
    verdict TEXT NOT NULL,
    measure_key TEXT NOT NULL,
    rules_digest TEXT NOT NULL,
    content_digest TEXT NOT NULL,
    decided INTEGER NOT NULL CHECK (decided IN (0, 1)),
    line TEXT NOT NULL GENERATED ALWAYS AS (
        target || ' ' || substr(render_key, 1, 16) || ' ' || substr(measure_key, 1, 16) || ' ' || substr(rules_digest, 1, 16)
        || ' ' || substr(content_digest, 1, 16) || ' ' || verdict
    ) STORED,
    PRIMARY KEY (target, rendition)
) STRICT, WITHOUT ROWID;
-- All that a plan with nothing to do reads of this table.
CREATE INDEX published_in_short ON published (rendition, line, path, size);

-- Which state may follow which; koma.core.job.TRANSITIONS in rows.
CREATE TABLE transitions (
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    PRIMARY KEY (from_state, to_state)
) STRICT, WITHOUT ROWID;
INSERT INTO transitions VALUES
    ('queued', 'submitting'), ('queued', 'failed'), ('queued', 'cancelled'),
    ('submitting', 'submitted'), ('submitting', 'queued'), ('submitting', 'collecting'), ('submitting', 'failed'), ('submitting', 'cancelled'),
    ('submitted', 'collecting'), ('submitted', 'queued'), ('submitted', 'failed'), ('submitted', 'cancelled'),
    ('collecting', 'measuring'), ('collecting', 'queued'), ('collecting', 'failed'), ('collecting', 'cancelled'),
    ('measuring', 'judging'), ('measuring', 'failed'), ('measuring', 'cancelled'),
    ('judging', 'publishing'), ('judging', 'done'), ('judging', 'failed'), ('judging', 'cancelled'),
    ('publishing', 'done'), ('publishing', 'failed');

-- Jobs on their way. What ended leaves: its take, its published row and the event log tell of it.
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY,
    job_id TEXT NOT NULL UNIQUE,
    target TEXT NOT NULL,
    rendition TEXT NOT NULL,
    state TEXT NOT NULL,
    queued_at REAL NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_live_job ON jobs (target, rendition) WHERE state NOT IN ('done', 'failed', 'cancelled');

CREATE TRIGGER jobs_step
BEFORE UPDATE OF state ON jobs
WHEN NEW.state <> OLD.state
    AND NOT EXISTS (SELECT 1 FROM transitions WHERE from_state = OLD.state AND to_state = NEW.state)
BEGIN
    SELECT RAISE(ABORT, 'this job state can not follow that one');
END;

CREATE TRIGGER jobs_begin
BEFORE INSERT ON jobs
WHEN NEW.state NOT IN (SELECT from_state FROM transitions)
BEGIN
    SELECT RAISE(ABORT, 'a job can not begin in a state that ends it');
END;

CREATE TRIGGER jobs_keep_their_target
BEFORE UPDATE OF job_id, target, rendition ON jobs
WHEN (NEW.job_id, NEW.target, NEW.rendition) <> (OLD.job_id, OLD.target, OLD.rendition)
BEGIN
    SELECT RAISE(ABORT, 'a job keeps its id, target and rendition');
END;

CREATE TRIGGER jobs_leave
AFTER UPDATE OF state ON jobs
WHEN NEW.state NOT IN (SELECT from_state FROM transitions)
BEGIN
    DELETE FROM jobs WHERE seq = NEW.seq;
END;

CREATE TABLE flags (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
