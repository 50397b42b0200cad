-- The last frame of a clip is what a chain goes on from, so planning reads its digest beside that of the whole clip.

ALTER TABLE takes ADD COLUMN last_digest TEXT NOT NULL DEFAULT '';

-- SQLite can't change a generated column that is stored: the table is made anew.
CREATE TABLE published_anew (
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
    last_digest TEXT NOT NULL DEFAULT '',
    line TEXT NOT NULL GENERATED ALWAYS AS (
        target || ' ' || substr(render_key, 1, 16) || ' ' || substr(measure_key, 1, 16) || ' ' || substr(rules_digest, 1, 16)
        || ' ' || substr(content_digest, 1, 16) || ' ' || substr(last_digest, 1, 16) || ' ' || verdict
    ) STORED,
    PRIMARY KEY (target, rendition)
) STRICT, WITHOUT ROWID;
INSERT INTO published_anew (target, rendition, take_key, render_key, path, size, verdict, measure_key, rules_digest, content_digest, decided)
    SELECT target, rendition, take_key, render_key, path, size, verdict, measure_key, rules_digest, content_digest, decided
    FROM published;
DROP TABLE published;
ALTER TABLE published_anew RENAME TO published;
-- All that a plan with nothing to do reads of this table.
CREATE INDEX published_in_short ON published (rendition, line, path, size);
