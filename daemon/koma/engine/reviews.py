"""Reviews in a pass: reads what people decided out of the review documents, and brings the takes in the store into line with it.

Documents are the only memory of a decision. The store remembers what was applied (flag `reviews`) and which retakes were made (flags
`review:<digest>`), so that a decision which is taken out of its document is taken back, and a retake is made once.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from koma.core.keys import canonical, text_digest
from koma.core.review import REJECT, Reviewed, Said, judged, missing_takes, reviewed, sayings, whole, with_word

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from koma.core.catalog import Folder
    from koma.core.problem import Problem
    from koma.core.rows import TakeRow
    from koma.core.take import Take
    from koma.engine.documents import Documents
    from koma.engine.wanted import Wanted
    from koma.ports import Publisher, Store

KIND = "review"
APPLIED = "reviews"  # flag: digest of the decisions that were applied, and the takes that they rejected
RETAKEN = "review:"  # flags: retakes that were asked for once
NOTHING = Reviewed()
_UNPLANNED: Mapping[str, str] = {}


class Reviews:
    """Reads review documents; keeps what it read while no document changes."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._read = NOTHING

    def read(self, wanted: Wanted) -> Reviewed:
        """Read what people decided in all projects. Changes nothing; costs next to nothing while no review is new."""
        folders = wanted.projects
        heads = [head for folder in folders.values() for head in folder.heads.get(KIND, {}).values()]
        unsure = frozenset(name for name, folder in folders.items() if _is_unsure(folder))
        if not heads:
            self._read = Reviewed(text_digest(*sorted(unsure)) if unsure else "", unsure=unsure)
            return self._read
        moved = self._moves(folders) if wanted.has_moves else {}
        documents = sorted(f"{head.path} {head.part} {head.data_digest}" for head in heads)
        digest = text_digest(*documents, *sorted(unsure), canonical(moved))
        if digest != self._read.digest:
            self._read = reviewed(all_sayings(self._documents, folders), self._documents.place, moved=moved, unsure=unsure, digest=digest)
        return self._read

    def _moves(self, folders: Mapping[str, Folder]) -> dict[str, str]:
        """Addresses as they are now → as they were before a rename, each with its project."""
        return {
            whole(project, new): whole(project, old)
            for project, folder in folders.items()
            if folder.project is not None
            for old, new in (self._documents.doc(folder.project).data.get("moved") or {}).items()
        }


def all_sayings(documents: Documents, folders: Mapping[str, Folder]) -> Iterator[Said]:
    """Every decision of these projects, by id, in the order of their documents."""
    for project, folder in folders.items():
        for head in folder.heads.get(KIND, {}).values():
            yield from sayings(project, documents.doc(head))


def _is_unsure(folder: Folder) -> bool:
    return folder.unread or any(kind in (KIND, "") for kind, _ in folder.held)


class Applied(NamedTuple):
    """What applying did: whether anything changed, so that it is to be planned anew; and warnings of decisions that lead nowhere."""

    changed: bool = False
    problems: tuple[Problem, ...] = ()


class Reviewer:
    """Applies decisions to the takes of one store. Every step may be repeated; without news it reads a number and no more."""

    def __init__(self, store: Store, publisher: Publisher, documents: Documents) -> None:
        self._store = store
        self._publisher = publisher
        self._documents = documents
        self._last: tuple[str, int, Applied] | None = None

    def apply(self, by: Reviewed, keys: Mapping[str, str] = _UNPLANNED) -> Applied:
        """Approve, reject, take back and ask for retakes, as the decisions say now.

        `keys` are render_keys of what is wanted, by target id; of a target that is not among them, what is published is wanted.
        """
        serial = self._store.serial()
        if self._last is not None and self._last[:2] == (by.digest, serial):
            return self._last[2]._replace(changed=False)
        flags = self._store.flags()
        before: Mapping[str, Any] = json.loads(flags.get(APPLIED, "{}"))
        result = self._apply(by, keys, before, flags) if by.takes or before or _retaken(flags) else Applied()
        self._last = by.digest, self._store.serial(), result
        return result

    def _apply(self, by: Reviewed, keys: Mapping[str, str], before: Mapping[str, Any], flags: Mapping[str, str]) -> Applied:
        rows = self._store.take_rows()
        wanted = judged(rows, by)
        news = before.get("digest") != by.digest
        known = frozenset(before.get("rejected", ()))
        rejected = [row.take_key for row in rows if _is_rejected(row, by) or (row.take_key in known and _is_unsure_of(row, by))]
        lifted = known.difference(rejected)
        changed = False
        for row, want in zip(rows, wanted, strict=True):
            if row != want or row.take_key in lifted or (news and row.take_key in rejected):
                changed |= self._write(row, want, by)
        changed |= self._retake(by, keys, rows, flags)
        applied = canonical({"digest": by.digest, "rejected": rejected}) if by.takes or rejected else None
        if applied != flags.get(APPLIED):
            self._store.set_flag(APPLIED, applied)
        return Applied(changed, tuple(missing_takes(rows, by, self._documents.place)))

    def _write(self, row: TakeRow, want: TakeRow, by: Reviewed) -> bool:
        """Store a take as it was decided on, and what lies of it in the outputs folder."""
        take = self._store.take(row.take_key)
        if take is None or _is_unsure_of(row, by):
            return False
        gate = with_word(take.gate, by.word(row.target, row.content_digest))
        approved = bool(want.approved)  # rows of a database say 0 and 1
        new = replace(take, gate=gate, approved=approved, decided=take.decided or approved)
        if new == take:
            return False
        self._store.put_take(new)
        self._publish(new, by)
        return True

    def _publish(self, take: Take, by: Reviewed) -> None:
        """Bring verdict and gate result of a published take up to date; its picture stays."""
        for published in self._store.published({take.target, by.now(take.target)}):
            if published.take_key == take.take_key:
                stem = published.path.removesuffix(f".{published.path.rpartition('.')[2]}")
                named = replace(take, target=published.target, rendition=published.rendition)
                try:
                    self._store.put_published(self._publisher.publish(named, stem))
                except (OSError, ValueError):  # its object is gone: the plan says so, and what lies there keeps its old gate result
                    self._store.put_published(published._replace(verdict=str(take.verdict), decided=take.decided))

    def _retake(self, by: Reviewed, keys: Mapping[str, str], rows: Sequence[TakeRow], flags: Mapping[str, str]) -> bool:
        """Ask once for every retake; forget those that nobody asks for any more."""
        asked = {RETAKEN + said.digest: said for said in by.retakes}
        for name in _retaken(flags) - asked.keys():
            self._store.set_flag(name, None)
        changed = False
        for name, said in asked.items():
            mine = [row for row in rows if row.content_digest == said.content and by.word(row.target, row.content_digest) == said]
            if name in flags or not mine:
                continue
            for row in mine:
                changed |= self._ask(row, rows, by, keys)
            self._store.set_flag(name, "yes")
        return changed

    def _ask(self, row: TakeRow, rows: Sequence[TakeRow], by: Reviewed, keys: Mapping[str, str]) -> bool:
        """Ask for another take, unless there is one already, or another picture is wanted by now."""
        mine = (row.target, row.rendition, row.render_key)
        if any((other.target, other.rendition, other.render_key) == mine and other.number > row.number for other in rows):
            return False
        target = by.now(row.target)
        lying = [there.render_key for there in self._store.published({target}) if there.rendition == row.rendition]
        wanted = [keys[target]] if target in keys else lying
        if any(key != row.render_key for key in wanted):
            return False
        self._store.set_flag(f"cancelled:{target}:{row.rendition}", None)
        self._store.set_flag(f"retry:{target}:{row.rendition}", "yes")
        return True


def _is_rejected(row: TakeRow, by: Reviewed) -> bool:
    word = by.word(row.target, row.content_digest)
    return word is not None and word.decision == REJECT


def _is_unsure_of(row: TakeRow, by: Reviewed) -> bool:
    return row.target.partition("/")[0] in by.unsure and by.word(row.target, row.content_digest) is None


def _retaken(flags: Mapping[str, str]) -> set[str]:
    return {name for name in flags if name.startswith(RETAKEN)}
