"""Published rows, read from the store no sooner than one is asked for: a plan with nothing to do asks for none."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from koma.core.rows import Lying, Published

FEW = 2000  # rows that are read on their own; more are read with all others


class Shelf(Mapping[str, "Published"]):
    """Published rows by target id. The first that is asked for brings those of all targets that are not settled, if these are few."""

    def __init__(self, lying: Sequence[Lying], settled: Sequence[str], load: Callable[[Collection[str] | None], list[Published]]) -> None:
        self._lying = lying
        self._settled = settled
        self._load = load

    @cached_property
    def _near(self) -> dict[str, Published]:
        ids = frozenset(self).difference(self._settled)
        return {row.target: row for row in self._load(ids)} if len(ids) < FEW else self._all

    @cached_property
    def _all(self) -> dict[str, Published]:
        return {row.target: row for row in self._load(None)}

    def __getitem__(self, target_id: str) -> Published:
        return self._near.get(target_id) or self._all[target_id]

    def __iter__(self) -> Iterator[str]:
        return (line.partition(" ")[0] for line, _, _ in self._lying)

    def __len__(self) -> int:
        return len(self._lying)

    def get(self, target_id: str, default: Any = None) -> Any:
        """Return the row of a target."""
        return self._near.get(target_id) or (self._all.get(target_id, default) if target_id in self._ids else default)

    @cached_property
    def _ids(self) -> frozenset[str]:
        return frozenset(self)
