"""Writing a take (its light row and its body) and a published row, inside a transaction that the caller holds."""

import sqlite3
from typing import Any

from koma.core.rows import Published
from koma.core.take import Take
from koma.stores.rows import take_body, take_row

_IS_DECIDED = """
    SELECT 1 FROM takes
    WHERE target = :target AND rendition = :rendition AND render_key = :render_key AND decided = 1
"""
_DECIDE_ALL = """
    UPDATE takes SET decided = 1
    WHERE target = :target AND rendition = :rendition AND render_key = :render_key AND decided = 0
"""
_DECIDE_PUBLISHED = """
    UPDATE published SET decided = 1
    WHERE target = :target AND rendition = :rendition AND render_key = :render_key AND decided = 0
"""
_PUT_PUBLISHED = """
    INSERT OR REPLACE INTO published
        (target, rendition, take_key, render_key, path, size, verdict, measure_key, rules_digest, content_digest, decided, last_digest)
    VALUES (
        :target, :rendition, :take_key, :render_key, :path, :size, :verdict, :measure_key, :rules_digest, :content_digest, :decided,
        :last_digest
    )
"""
_BODY_ID = """
    SELECT body_id FROM takes
    WHERE target = :target AND rendition = :rendition AND render_key = :render_key AND number = :number AND take_key = :take_key
"""
_PUT = """
    INSERT INTO takes (
        take_key, target, rendition, render_key, number, verdict, decided, approved,
        measure_key, rules_digest, object_digest, content_digest, last_digest, template, made_seconds, finished_at, body_id
    ) VALUES (
        :take_key, :target, :rendition, :render_key, :number, :verdict, :decided, :approved,
        :measure_key, :rules_digest, :object_digest, :content_digest, :last_digest, :template, :made_seconds, :finished_at, :body_id
    )
    ON CONFLICT (target, rendition, render_key, number, take_key) DO UPDATE SET
        verdict = excluded.verdict, decided = excluded.decided, approved = excluded.approved,
        measure_key = excluded.measure_key, rules_digest = excluded.rules_digest,
        object_digest = excluded.object_digest, content_digest = excluded.content_digest, last_digest = excluded.last_digest,
        template = excluded.template, made_seconds = excluded.made_seconds, finished_at = excluded.finished_at
"""


def put_take(connection: sqlite3.Connection, take: Take) -> None:
    """Insert or replace it; once a take of its target, rendition and render_key is decided, all of them are."""
    row = take_row(take)
    decided = take.decided or _is_decided(connection, row)
    body_id = _put_body(connection, take_body(take, decided=decided), row)
    connection.execute(_PUT, row | {"decided": decided, "body_id": body_id})
    if decided:
        connection.execute(_DECIDE_ALL, row)
        connection.execute(_DECIDE_PUBLISHED, row)


def put_published(connection: sqlite3.Connection, published: Published) -> None:
    """Insert or replace the row of its target and rendition; it is decided if a take of its render_key is."""
    row = published._asdict()
    connection.execute(_PUT_PUBLISHED, row | {"decided": published.decided or _is_decided(connection, row)})


def _is_decided(connection: sqlite3.Connection, row: dict[str, Any]) -> bool:
    return connection.execute(_IS_DECIDED, row).fetchone() is not None


def _put_body(connection: sqlite3.Connection, texts: tuple[str, str], row: dict[str, Any]) -> int:
    found = connection.execute(_BODY_ID, row).fetchone()
    if found is None:
        return int(connection.execute("INSERT INTO take_bodies (facts, body) VALUES (?, ?) RETURNING id", texts).fetchone()[0])
    connection.execute("UPDATE take_bodies SET facts = ?, body = ? WHERE id = ?", (*texts, found[0]))
    return int(found[0])
