"""Graphs of many shots that differ in their words and seed only: one form, filled in for each.

A template that puts a parameter straight into the graph gives the same graph text for every value but for that value. So one graph is
rendered, parsed and checked with stand-ins, and the canonical text of every other one follows by putting its own values in their places.
"""

import re
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from koma.core.keys import canonical

# Parameters that differ from shot to shot, and what stands for them; the seed is the largest prime below 2**64, which nobody chooses.
STAND_INS: Mapping[str, Any] = {"prompt": "koma-stand-in:prompt", "negative": "koma-stand-in:negative", "seed": 18446744073709551557}
_TOKENS = {canonical(value): name for name, value in STAND_INS.items()}
_SPLIT = re.compile("(" + "|".join(map(re.escape, _TOKENS)) + ")")


class Form(NamedTuple):
    """Canonical text of a graph around its free values: text, name, text, name, ..., text."""

    pieces: tuple[str, ...]

    def digest(self, params: Mapping[str, Any]) -> str:
        """Digest of the canonical graph with these values in their places."""
        filled = list(self.pieces)
        filled[1::2] = [canonical(params[name]) for name in filled[1::2]]
        return sha256("".join(filled).encode()).hexdigest()


def form_of(graph: Mapping[str, Any]) -> Form:
    """Split a canonical graph that was rendered with stand-ins."""
    return Form(tuple(_TOKENS.get(piece, piece) for piece in _SPLIT.split(canonical(graph))))


def with_least_seed(graph: Mapping[str, Any]) -> dict[str, Any]:
    """Put 0 where the stand-in of the seed is: a range of numbers is to be held at both its ends."""
    return {name: {**node, "inputs": {key: _least(value) for key, value in node["inputs"].items()}} for name, node in graph.items()}


def _least(value: Any) -> Any:
    return 0 if value == STAND_INS["seed"] else value


def free_names(params: Mapping[str, Any], verbatim: Collection[str]) -> tuple[str, ...]:
    """Give the parameters of a shot that stand-ins may stand for: those that the template puts straight into the graph."""
    return tuple(name for name in STAND_INS if name in params and name in verbatim)


def shared(params: Mapping[str, Any], free: Collection[str]) -> str:
    """Text that is the same for all shots that share a form."""
    return repr([(name, value) for name, value in params.items() if name not in free])


def with_stand_ins(params: Mapping[str, Any], free: Collection[str]) -> dict[str, Any]:
    """Parameters with stand-ins for the free ones."""
    return {name: STAND_INS[name] if name in free else value for name, value in params.items()}
