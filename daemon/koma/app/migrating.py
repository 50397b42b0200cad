"""One store copied into another of another kind: everything, in one transaction, read back, with both locked."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from koma.app.storing import is_there, open_store
from koma.core.errors import KomaError, UsageError
from koma.core.store_address import fault, redacted
from koma.stores.lock import StateLock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from koma.config import Config
    from koma.ports import Clock


class Moved(NamedTuple):
    """What was copied: rows of each table, and a digest over all of them, which both stores have."""

    counts: "Mapping[str, int]"
    digest: str


def migrate(config: "Config", to: str, clock: "Clock") -> Moved:
    """Copy the store of a workspace into an empty one. Raises UsageError, LockHeld, StoreError, KomaError; then the source is as it was."""
    _must_differ(config.store, to)
    target = config._replace(store=to)
    with ExitStack() as stack:
        stack.enter_context(StateLock(config.paths.lock))
        if not is_there(config):
            raise KomaError(f"there is no store to copy in {redacted(config.store)}", "koma run --once   (makes one)")
        source = open_store(config, clock, writes=True)
        stack.callback(source.close)
        _must_be_sound(source.check(), redacted(config.store))
        copy = open_store(target, clock, writes=True)
        stack.callback(copy.close)
        with source.contents() as contents:
            copied = copy.fill(contents)
        _must_be_sound(copy.check(), redacted(to))
    return Moved(copied.counts, copied.digest)


def _must_differ(store: str, to: str) -> None:
    wrong = fault(to)
    if wrong:
        raise UsageError(wrong, "koma migrate-store --to postgresql://host:5432/database?user=koma, or --to sqlite")
    if store == to:
        raise UsageError(f"the store already is {redacted(to)}", "name another one with --to")


def _must_be_sound(problems: list[str], where: str) -> None:
    if problems:
        raise KomaError(f"{where} is damaged: {problems[0]}", "koma doctor")
