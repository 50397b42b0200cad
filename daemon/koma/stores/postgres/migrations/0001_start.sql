-- The same tables as in the embedded store. Texts are ordered by their bytes, as everywhere in Koma.

-- The version of this schema: the number of the last of these files that was applied.
CREATE TABLE schema_version (
    one integer PRIMARY KEY CHECK (one = 1),
    value integer NOT NULL
);
INSERT INTO schema_version VALUES (1, 0);

-- Who writes. Every write raises `serial` in this row, and only where `epoch` is still the writer's own: the next writer raises that.
-- `serial` starts anywhere, so that a store made anew is never mistaken for the one before it.
CREATE TABLE writer (
    one integer PRIMARY KEY CHECK (one = 1),
    epoch bigint NOT NULL,
    serial bigint NOT NULL,
    pid integer NOT NULL,
    host text NOT NULL,
    since double precision NOT NULL
);
INSERT INTO writer VALUES (1, 0, floor(random() * 281474976710656), 0, '', 0);

CREATE TABLE takes (
    id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    take_key text COLLATE "C" NOT NULL,
    target text COLLATE "C" NOT NULL,
    rendition text COLLATE "C" NOT NULL,
    render_key text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    verdict text COLLATE "C" NOT NULL,
    decided boolean NOT NULL,
    approved boolean NOT NULL,
    measure_key text COLLATE "C" NOT NULL,
    rules_digest text COLLATE "C" NOT NULL,
    object_digest text COLLATE "C" NOT NULL,
    content_digest text COLLATE "C" NOT NULL,
    last_digest text COLLATE "C" NOT NULL,
    template text COLLATE "C" NOT NULL,
    made_seconds double precision NOT NULL, -- 0 where nothing was made
    finished_at double precision NOT NULL,
    PRIMARY KEY (target, rendition, render_key, number, take_key)
);
CREATE INDEX takes_by_key ON takes (take_key);
CREATE INDEX takes_by_render_key ON takes (render_key);
CREATE INDEX takes_by_template ON takes (template, finished_at, made_seconds) WHERE made_seconds > 0;

-- JSON as text: nothing asks inside it, and what was written comes back byte for byte, lone surrogates of a log included.
CREATE TABLE take_bodies (
    id bigint PRIMARY KEY REFERENCES takes (id),
    facts text NOT NULL,
    body text NOT NULL
);

CREATE TABLE published (
    target text COLLATE "C" NOT NULL,
    rendition text COLLATE "C" NOT NULL,
    take_key text COLLATE "C" NOT NULL,
    render_key text COLLATE "C" NOT NULL,
    path text COLLATE "C" NOT NULL,
    size bigint NOT NULL CHECK (size >= 0),
    verdict text COLLATE "C" NOT NULL,
    measure_key text COLLATE "C" NOT NULL,
    rules_digest text COLLATE "C" NOT NULL,
    content_digest text COLLATE "C" NOT NULL,
    decided boolean NOT NULL,
    last_digest text COLLATE "C" NOT NULL,
    line text COLLATE "C" NOT NULL GENERATED ALWAYS AS (
        target || ' ' || substr(render_key, 1, 16) || ' ' || substr(measure_key, 1, 16) || ' ' || substr(rules_digest, 1, 16)
        || ' ' || substr(content_digest, 1, 16) || ' ' || substr(last_digest, 1, 16) || ' ' || verdict
    ) STORED,
    PRIMARY KEY (target, rendition)
);

-- Which state may follow which; koma.core.job.TRANSITIONS in rows.
CREATE TABLE transitions (
    from_state text COLLATE "C" NOT NULL,
    to_state text COLLATE "C" NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
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
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id text COLLATE "C" NOT NULL UNIQUE,
    target text COLLATE "C" NOT NULL,
    rendition text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    queued_at double precision NOT NULL,
    body text NOT NULL
);
CREATE UNIQUE INDEX one_live_job ON jobs (target, rendition) WHERE state NOT IN ('done', 'failed', 'cancelled');

CREATE TABLE flags (
    name text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);

-- The guards refuse what no caller may do, whatever its code says. Their search path is the one of this schema, whoever calls.

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION jobs_step() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM transitions WHERE from_state = OLD.state AND to_state = NEW.state) THEN
        RAISE EXCEPTION USING MESSAGE = 'this job state can not follow that one', ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION jobs_begin() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM transitions WHERE from_state = NEW.state) THEN
        RAISE EXCEPTION USING MESSAGE = 'a job can not begin in a state that ends it', ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION jobs_leave() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM jobs WHERE seq = NEW.seq AND NOT EXISTS (SELECT FROM transitions WHERE from_state = NEW.state);
    RETURN NULL;
END $$;

-- A decided key is never opened again.
CREATE TRIGGER takes_stay_decided BEFORE UPDATE OF decided ON takes FOR EACH ROW WHEN (OLD.decided AND NOT NEW.decided)
    EXECUTE FUNCTION refuse('a decided take can not become undecided');
CREATE TRIGGER jobs_step BEFORE UPDATE OF state ON jobs FOR EACH ROW WHEN (NEW.state <> OLD.state) EXECUTE FUNCTION jobs_step();
CREATE TRIGGER jobs_begin BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION jobs_begin();
CREATE TRIGGER jobs_keep_their_target BEFORE UPDATE OF job_id, target, rendition ON jobs FOR EACH ROW
    WHEN ((NEW.job_id, NEW.target, NEW.rendition) <> (OLD.job_id, OLD.target, OLD.rendition))
    EXECUTE FUNCTION refuse('a job keeps its id, target and rendition');
CREATE TRIGGER jobs_leave AFTER UPDATE OF state ON jobs FOR EACH ROW EXECUTE FUNCTION jobs_leave();
