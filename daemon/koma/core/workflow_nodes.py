"""The nodes and links of a workflow in UI format, with its subgraphs opened up.

A subgraph node becomes two nodes that only pass on: what comes out of it, under its own id, and what goes into it, `<id>:<input node>`.
Nodes inside are called `<id>:<inner id>`, as in an API export.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

PASS = "#pass"  # noqa: S105 - a kind of node
MUTED, BYPASSED = 2, 4  # what ComfyUI's `mode` says of a node that does not run
_DEPTH = 16  # subgraphs in subgraphs


class Slot(NamedTuple):
    """One input of a node: name, type, key of the link that ends there ("" for none), name of the widget that it replaces ("" for none)."""

    name: str
    type: str
    link: str
    widget: str


class Link(NamedTuple):
    """Where a link begins: node id, slot, type."""

    source: str
    slot: int
    type: str


class UiNode(NamedTuple):
    """One node as the editor keeps it: `widgets` are the values of its widgets, in their order or by name."""

    id: str
    kind: str
    mode: int
    slots: tuple[Slot, ...]
    widgets: Any
    title: str


@dataclass(slots=True)
class Nodes:
    """Nodes by id and links by key. `unopened` are ids of subgraphs that could not be opened."""

    nodes: dict[str, UiNode] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    unopened: list[str] = field(default_factory=list)


def read_nodes(data: Mapping[str, Any]) -> Nodes:
    """Read a UI workflow; what is malformed is left out."""
    found = Nodes()
    definitions = _mapping(_mapping(data.get("definitions")).get("subgraphs")) or _list(_mapping(data.get("definitions")).get("subgraphs"))
    entries = definitions.values() if isinstance(definitions, Mapping) else definitions
    subgraphs = {str(entry["id"]): entry for entry in entries if isinstance(entry, Mapping) and "id" in entry}
    _read(data, "", subgraphs, found, 0)
    return found


def _read(graph: Mapping[str, Any], prefix: str, subgraphs: Mapping[str, Any], found: Nodes, depth: int) -> None:
    found.links.update(_links(graph.get("links"), prefix))
    for entry in _list(graph.get("nodes")):
        if not isinstance(entry, Mapping) or "id" not in entry:
            continue
        node = _node(entry, prefix)
        inner = subgraphs.get(node.kind)
        if inner is None or node.mode in (MUTED, BYPASSED):
            found.nodes[node.id] = node
        elif depth >= _DEPTH:
            found.unopened.append(node.id)
        else:
            _open(node, inner, subgraphs, found, depth)


def _open(node: UiNode, inner: Mapping[str, Any], subgraphs: Mapping[str, Any], found: Nodes, depth: int) -> None:
    prefix = f"{node.id}:"
    source, sink = (str(_mapping(inner.get(name)).get("id", usual)) for name, usual in (("inputNode", -10), ("outputNode", -20)))
    ends = {slot: key for key, target, slot in _ends(inner.get("links"), prefix) if target == sink}
    leaving = tuple(Slot("", "*", ends.get(slot, ""), "") for slot in range(max(ends, default=-1) + 1))
    found.nodes[prefix + source] = node._replace(id=prefix + source, kind=PASS)
    found.nodes[node.id] = node._replace(kind=PASS, slots=leaving)
    _read(inner, prefix, subgraphs, found, depth + 1)


def _node(entry: Mapping[str, Any], prefix: str) -> UiNode:
    slots = tuple(_slot(slot, prefix) for slot in _list(entry.get("inputs")) if isinstance(slot, Mapping))
    mode = entry.get("mode")
    return UiNode(
        f"{prefix}{entry['id']}",
        str(entry.get("type") or ""),
        mode if isinstance(mode, int) else 0,
        slots,
        entry.get("widgets_values"),
        str(entry.get("title") or ""),
    )


def _slot(slot: Mapping[str, Any], prefix: str) -> Slot:
    widget, link, name = slot.get("widget"), slot.get("link"), str(slot.get("name") or "")
    replaced = str(_mapping(widget).get("name") or name) if widget else ""
    return Slot(name, _type(slot.get("type")), "" if link is None else f"{prefix}{link}", replaced)


def _links(links: Any, prefix: str) -> Iterator[tuple[str, Link]]:
    for link_id, source, slot, _target, _slot, kind in _fields(links):
        yield f"{prefix}{link_id}", Link(f"{prefix}{source}", slot, _type(kind))


def _ends(links: Any, prefix: str) -> Iterator[tuple[str, str, int]]:
    for link_id, _source, _slot, target, slot, _kind in _fields(links):
        yield f"{prefix}{link_id}", str(target), slot


_NAMES = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")


def _fields(links: Any) -> Iterator[tuple[Any, Any, int, Any, int, Any]]:
    """Links are written as lists, or as objects."""
    for link in _list(links):
        values = [link.get(name) for name in _NAMES] if isinstance(link, Mapping) else [*_list(link), None][: len(_NAMES)]
        if len(values) == len(_NAMES) and isinstance(values[2], int) and isinstance(values[4], int):
            yield values[0], values[1], values[2], values[3], values[4], values[5]


def _type(kind: Any) -> str:
    return "COMBO" if isinstance(kind, list) else "*" if kind in (None, "", 0, -1) else str(kind)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
