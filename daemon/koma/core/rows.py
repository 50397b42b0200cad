"""Rows that planning reads by the ten thousand: takes in short, and what is published. Named tuples, because those are cheap to make."""

from typing import NamedTuple


class TakeRow(NamedTuple):
    """The few columns of a take that planning reads; made for ten thousand of them at once."""

    take_key: str
    target: str
    rendition: str
    render_key: str
    number: int
    verdict: str
    decided: bool
    approved: bool
    measure_key: str
    rules_digest: str
    object_digest: str  # file digest of the object artifact, "" without one
    content_digest: str
    last_digest: str = ""  # content digest of a clip's last frame


Lying = tuple[str, str, int]
"""What lies in outputs/ for one target, as far as seeing takes that nothing changed: line (see `line_of`), path, size in bytes."""


class Published(NamedTuple):
    """What lies in outputs/ for one target and rendition.

    `path` is relative to the outputs folder (`lantern-street/s01/sh010/video.animatic.mp4`); `size` in bytes.
    The other columns repeat those of its take, so that a plan with nothing to do reads one table.
    """

    target: str
    rendition: str
    take_key: str
    render_key: str
    path: str
    size: int
    verdict: str
    measure_key: str
    rules_digest: str
    content_digest: str
    decided: bool = False
    last_digest: str = ""


_DIGITS = 16  # of each digest: enough to see that it changed


def line_of(row: Published) -> str:
    """Everything about a published row, besides its file, that planning asks of a target for which nothing is to be done."""
    digests = (row.render_key, row.measure_key, row.rules_digest, row.content_digest, row.last_digest)
    return " ".join([row.target, *(digest[:_DIGITS] for digest in digests), row.verdict])
