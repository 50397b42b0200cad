"""Ways through a graph in API format: what a node reads, where a value is written, which texts a sampler gets. Pure.

Works on graphs of strangers: links may lead nowhere or in circles, and classes may be unknown.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from koma.core.node_rules import Signatures

Graph = Mapping[str, Any]
_LINK_LENGTH = 2
_TEXTS = frozenset(
    {"text", "text_g", "text_l", "clip_l", "clip_g", "t5xxl", "llama", "bert", "mt5xl", "prompt", "user_prompt", "tags", "lyrics"}
    | {"positive_prompt", "negative_prompt", "positive", "negative"}
)  # inputs of text encoders
_WORDS_BY_ROLE = {"positive": ("positive_prompt", "positive"), "negative": ("negative_prompt", "negative")}


class Spot(NamedTuple):
    """Where a value is written: node id and input name."""

    node: str
    input: str


class Reader:
    """One graph with its signatures, and the questions that are asked of it."""

    def __init__(self, graph: Graph, signatures: Signatures) -> None:
        self.graph = graph
        self.signatures = signatures

    def kind(self, node_id: str) -> str:
        """Class of a node, "" if there is no such node."""
        found = self.node(node_id).get("class_type")
        return found if isinstance(found, str) else ""

    def is_node(self, node_id: str) -> bool:
        """Whether it has a class and inputs."""
        return bool(self.kind(node_id)) and isinstance(self.node(node_id).get("inputs"), Mapping)

    def node(self, node_id: str) -> Mapping[str, Any]:
        """Return the node, an empty one if there is none."""
        found = self.graph.get(node_id)
        return found if isinstance(found, Mapping) else {}

    def inputs(self, node_id: str) -> Mapping[str, Any]:
        """Return the inputs of a node by name."""
        found = self.node(node_id).get("inputs")
        return found if isinstance(found, Mapping) else {}

    def value(self, spot: Spot) -> Any:
        """Return what is written there."""
        return self.inputs(spot.node).get(spot.input)

    def spec(self, spot: Spot) -> Mapping[str, Any]:
        """Return what the signature says of an input: type, min, max, choices; empty where it is not known."""
        entry = self.signatures.classes.get(self.kind(spot.node), {})
        given = {**entry.get("optional", {}), **entry.get("required", {})}
        found = given.get(spot.input, {})
        return found if isinstance(found, Mapping) else {}

    def outputs(self, node_id: str) -> tuple[str, ...] | None:
        """Types that a node gives, by slot; None for an unknown class."""
        rule = self.signatures.rule(self.kind(node_id))
        return None if rule is None else rule.outputs

    def link(self, node_id: str, name: str) -> tuple[str, int] | None:
        """Node and slot that an input reads, or None."""
        return as_link(self.inputs(node_id).get(name))

    def links(self, node_id: str) -> Iterator[tuple[str, str, int]]:
        """Every linked input: name, node id, slot."""
        for name, value in self.inputs(node_id).items():
            link = as_link(value)
            if link is not None and link[0] in self.graph:
                yield name, *link

    def above(self, *node_ids: str) -> list[str]:
        """Give these nodes and everything that they read, each after what it reads."""
        order: dict[str, None] = {}
        open_: list[tuple[str, Iterator[tuple[str, str, int]]]] = []
        seen: set[str] = set()
        for start in node_ids:
            if start in seen:
                continue
            seen.add(start)
            open_.append((start, self.links(start)))
            while open_:
                node_id, links = open_[-1]
                source = next((source for _, source, _ in links if source not in seen), None)
                if source is None:
                    order[node_id] = None
                    open_.pop()
                else:
                    seen.add(source)
                    open_.append((source, self.links(source)))
        return list(order)

    def written(self, spot: Spot) -> Spot | None:
        """Where the value of an input is written: there, or in the only field of a node that does nothing but give it."""
        for _ in self.graph:
            link = self.link(*spot)
            if link is None:
                return spot if spot.input in self.inputs(spot.node) else None
            inputs = self.inputs(link[0])
            if len(inputs) != 1:
                return None
            spot = Spot(link[0], next(iter(inputs)))
        return None

    def words(self, start: str, role: str) -> list[Spot]:
        """Where the texts are written that a node gets as `positive` or `negative`, nearest first."""
        found: dict[Spot, None] = {}
        seen: set[tuple[str, str]] = set()
        ways = list(self._first(start, role))
        while ways:
            node_id, slot, role = ways.pop(0)
            if (node_id, role) in seen:
                continue
            seen.add((node_id, role))
            spots = self._encoded(node_id, role)
            found.update(dict.fromkeys(spots))
            ways += [] if spots else list(self._further(node_id, slot, role))
        return list(found)

    def _first(self, start: str, role: str) -> Iterator[tuple[str, int, str]]:
        names = (role, "guider") if role == "negative" else (role, "guider", "conditioning", "text_embeds")
        for name in names:
            link = self.link(start, name)
            if link is not None:
                yield (*link, role)

    def _encoded(self, node_id: str, role: str) -> list[Spot]:
        """Fields of a text encoder that hold words; none for any other node."""
        names = [name for name in self.inputs(node_id) if name in _TEXTS and self._is_text(Spot(node_id, name))]
        own = [name for name in names if name in _WORDS_BY_ROLE[role]]
        both = any(name in _WORDS_BY_ROLE["negative"] for name in names)
        spots = (self.written(Spot(node_id, name)) for name in (own if both else names))
        return [spot for spot in spots if spot is not None and isinstance(self.value(spot), str)]

    def _is_text(self, spot: Spot) -> bool:
        kind = self.spec(spot).get("type")
        return kind == "STRING" if kind else isinstance(self.value(spot), str)

    def _further(self, node_id: str, slot: int, role: str) -> Iterator[tuple[str, int, str]]:
        if self.kind(node_id) == "ConditioningZeroOut":  # what it gets has no say in what it gives
            return
        inputs = self.inputs(node_id)
        if "positive" in inputs and "negative" in inputs:
            guides = self.outputs(node_id) in (None, ("GUIDER",))
            role = role if guides else "negative" if slot == 1 else "positive"
            link = self.link(node_id, role)
            if link is not None:
                yield (*link, role)
            return
        for name, source, source_slot in self.links(node_id):
            if self.spec(Spot(node_id, name)).get("type") == "CONDITIONING" or name.startswith(("conditioning", "cond")):
                yield source, source_slot, role


def as_link(value: Any) -> tuple[str, int] | None:
    """Read a link of API format, `[node id, slot]`; None for anything else."""
    if isinstance(value, list) and len(value) == _LINK_LENGTH and isinstance(value[0], str) and type(value[1]) is int:
        return value[0], value[1]
    return None
