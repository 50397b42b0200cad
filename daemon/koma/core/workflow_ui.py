"""From the UI format (nodes, links, values of widgets) to the API format, by the rules that ComfyUI's editor has for it.

What runs only in the editor goes: notes, reroutes, primitives, Set/Get pairs. Muted nodes go with their links; through bypassed ones the
first input of the same type is passed on. Which value belongs to which widget is told by node signatures, or by the file itself.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from koma.core.node_rules import Signatures
from koma.core.workflow_nodes import BYPASSED, MUTED, PASS, Link, Nodes, Slot, UiNode, read_nodes
from koma.core.workflow_note import Note

_CONTROL = ("fixed", "increment", "decrement", "randomize")  # what a widget that follows a seed says
_SEEDS = ("seed", "noise_seed")
_VALUES = frozenset({"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"})  # types that are set in a widget
_EDITOR_ONLY = frozenset({"Note", "MarkdownNote", "PrimitiveNode", "Reroute", "SetNode", "GetNode", PASS})
_PREVIEWS = frozenset({"videopreview", "audioUI", "upload"})  # widgets that only show something


def from_ui(data: Mapping[str, Any], signatures: Signatures) -> tuple[dict[str, Any], list[Note]]:
    """Graph in API format, and what could not be taken over."""
    return _Conversion(read_nodes(data), signatures).done()


class _Conversion:
    def __init__(self, found: Nodes, signatures: Signatures) -> None:
        self._nodes, self._links = found.nodes, found.links
        self._unopened = found.unopened
        self._signatures = signatures
        self._linkable = frozenset(str(kind) for entry in signatures.classes.values() for kind in entry.get("output", ()))
        self._notes: list[Note] = []

    def done(self) -> tuple[dict[str, Any], list[Note]]:
        self._notes += [
            Note(f"the subgraph at node {node_id} is nested too deeply and was left out", hand=True) for node_id in self._unopened
        ]
        graph = {node.id: self._converted(node) for node in self._nodes.values() if self._runs(node)}
        return graph, self._notes

    def _runs(self, node: UiNode) -> bool:
        if node.mode in (MUTED, BYPASSED) or node.kind in _EDITOR_ONLY or _reroutes(node):
            return False
        if node.kind.startswith(("workflow/", "workflow>")):
            self._notes.append(Note(f"node {node.id} is a group node: convert it to nodes in ComfyUI, and import again", hand=True))
        linked = any(slot.link for slot in node.slots) or any(link.source == node.id for link in self._links.values())
        if linked or node.kind in self._signatures.classes:
            return True
        self._notes.append(Note(f"node {node.id} ({node.kind}) is linked to nothing and was left out"))
        return False

    def _converted(self, node: UiNode) -> dict[str, Any]:
        inputs = {name: _written(value) for name, value in self._widgets(node).items()}
        for slot in node.slots:
            if slot.link:
                self._follow(node, slot, inputs)
        return {"class_type": node.kind, "inputs": inputs}

    def _follow(self, node: UiNode, slot: Slot, inputs: dict[str, Any]) -> None:
        name, end = slot.widget or slot.name, self._origin(slot.link, set())
        if isinstance(end, Link):
            inputs[name] = [end.source, end.slot]
        elif end is not None:
            inputs[name] = _written(end[0])
        elif name not in inputs:
            self._notes.append(Note(f"the input {name} of node {node.id} ({node.kind}) leads to a node that is muted or missing"))

    def _origin(self, key: str, seen: set[str]) -> Link | tuple[Any] | None:
        """Follow a link to the node that runs, to the value of a primitive (as a tuple of one), or to nothing."""
        link = self._links.get(key)
        node = self._nodes.get(link.source) if link is not None else None
        if link is None or node is None or key in seen or node.mode == MUTED:
            return None
        seen.add(key)
        if node.kind == PASS:
            return self._passed(node, link.slot, seen)
        if node.kind == "PrimitiveNode" and node.mode != BYPASSED:
            return (node.widgets[0],) if isinstance(node.widgets, list) and node.widgets else None
        before = self._before(node, link)
        return link if before is None else next((self._origin(slot.link, seen) for slot in before), None)

    def _passed(self, node: UiNode, number: int, seen: set[str]) -> Link | tuple[Any] | None:
        """Give what goes through the border of a subgraph: a link, or the value of a widget on its outside."""
        slot = next(iter(node.slots[number : number + 1]), None) if number >= 0 else None
        if slot is None or slot.link:
            return self._origin(slot.link, seen) if slot is not None else None
        names = [slot.widget for slot in node.slots if slot.widget]
        known = isinstance(node.widgets, list) and len(names) == len(node.widgets) and slot.widget in names
        return (node.widgets[names.index(slot.widget)],) if known else None

    def _before(self, node: UiNode, link: Link) -> list[Slot] | None:
        """Find the input that a node passes on to this link; None for a node that runs."""
        if node.kind == "GetNode":
            return [
                slot for other in self._nodes.values() if other.kind == "SetNode" and _same_name(other, node) for slot in other.slots[:1]
            ]
        if _reroutes(node) or node.kind == "SetNode":
            return list(node.slots[:1])
        if node.mode == BYPASSED:
            nearest = node.slots[link.slot : link.slot + 1] if link.slot >= 0 else ()
            return [slot for slot in (*nearest, *node.slots) if slot.type == link.type][:1]
        return None

    def _widgets(self, node: UiNode) -> dict[str, Any]:
        if isinstance(node.widgets, Mapping):
            return {str(name): value for name, value in node.widgets.items() if name not in _PREVIEWS}
        values = node.widgets if isinstance(node.widgets, list) else []
        names = self._names(node)
        if values and not names and node.kind not in self._signatures.classes:
            self._notes.append(
                Note(f"the {len(values)} values of node {node.id} ({node.kind}) have no names: its signature is not known", hand=True)
            )
        return dict(_paired(names, values))

    def _names(self, node: UiNode) -> list[str]:
        """Names of a node's widgets in their order: the file's own list where it has all, else the order of the signature."""
        listed = [slot.widget for slot in node.slots if slot.widget]
        signature = self._signatures.classes.get(node.kind)
        if signature is None:
            return listed
        bare = {slot.name for slot in node.slots if not slot.widget}
        given = {**signature.get("required", {}), **signature.get("optional", {})}
        known = [name for name, spec in given.items() if name not in bare and self._is_widget(str(spec.get("type")))]
        return listed if set(known) <= set(listed) else known

    def _is_widget(self, kind: str) -> bool:
        kinds = {part.strip() for part in kind.split(",")}
        return bool(kinds & _VALUES) or not kinds & (self._linkable | {"*"})


def _paired(names: list[str], values: list[Any]) -> Iterator[tuple[str, Any]]:
    """Names with values. A widget after a seed, which says what becomes of it after a run, has no name; it is passed over."""
    at = 0
    for number, name in enumerate(names, 1):
        if at >= len(values):
            return
        yield name, values[at]
        at += 1
        more = len(values) - at > len(names) - number
        if at < len(values) and values[at] in _CONTROL and (name in _SEEDS or more):
            at += 1


def _written(value: Any) -> Any:
    return {"__value__": value} if isinstance(value, list) else value


def _reroutes(node: UiNode) -> bool:
    return node.kind.startswith("Reroute")


def _same_name(one: UiNode, other: UiNode) -> bool:
    return isinstance(one.widgets, list) and isinstance(other.widgets, list) and one.widgets[:1] == other.widgets[:1] != []
