"""Whether a ComfyUI graph would be accepted and would draw something, said before anything is queued.

The server ignores unknown input names, does not check choices of newer nodes, and stops working for good on some malformed
graphs; so all of it is checked here.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from koma.core.hints import closest
from koma.core.model_folders import folder_of
from koma.core.node_rules import LISTED, Fault, InputRule, NodeRule, Signatures, is_core, shown
from koma.core.problem import Place, Problem

MAX_NODES = 2_000  # the largest workflows that people share have some hundreds; what is checked grows with the square
MOST = 50  # mistakes that are told of one graph

Graph = Mapping[str, Any]
_LINK_LENGTH = 2


def check_graph(graph: Graph, signatures: Signatures, file: str, text: str = "") -> list[Problem]:
    """Mistakes in a graph in API format (node id → `class_type`, `inputs`), in node order, 50 at most; empty if it is fine.

    `file` is the template's graph file and `text` its content, for finding the line of a node (best effort). `path` of a
    problem is the node id, or `<node id>.inputs.<name>`.
    """
    size = _size_fault(graph)
    faults = [("", size)] if size is not None else islice(_faults(graph, signatures), MOST)
    return [_problem(path, fault, file, text) for path, fault in faults]


_Found = tuple[str, Fault]


def _size_fault(graph: Graph) -> Fault | None:
    if not graph:
        return Fault("empty-graph", "the graph has no nodes")
    if len(graph) > MAX_NODES:
        return Fault("too-many-nodes", f"the graph has {len(graph)} nodes", f"at most {MAX_NODES}", "make a loop of the template shorter")
    return None


def _faults(graph: Graph, signatures: Signatures) -> Iterator[_Found]:
    found = {node_id: _rule_of(node, signatures) for node_id, node in graph.items()}
    rules = {node_id: rule for node_id, rule in found.items() if isinstance(rule, NodeRule)}
    above: set[str] = set()
    upward = True  # every link so far leads to a node further up, so there can be no cycle
    for node_id, rule in found.items():
        if not isinstance(rule, NodeRule):
            yield node_id, rule or _unknown_class(graph[node_id]["class_type"], signatures)
            continue
        for name, value in graph[node_id]["inputs"].items():
            fault = _input_fault(name, value, rule, graph, rules)
            if fault is not None:
                yield f"{node_id}.inputs.{name}", fault
            elif upward and type(value) is list:
                upward = value[0] in above
        yield from _missing(node_id, graph[node_id], rule)
        above.add(node_id)
    if not upward:
        yield from _cycle(graph)
    if len(rules) == len(graph) and not any(rule.output_node for rule in rules.values()):
        yield "", Fault("no-output-node", "no node of the graph puts out a file", "an output node", "add a node such as SaveImage")


def _input_fault(name: str, value: Any, rule: NodeRule, graph: Graph, rules: Mapping[str, NodeRule]) -> Fault | None:
    known = rule.inputs.get(name)
    if known is None:
        return _unknown_input(name, rule)
    kind = type(value)
    if kind is list:
        return _link_fault(value, known, graph, rules)
    fault = _wrapped(value, known) if kind is dict else known.literal(value)
    return fault if fault is None or not fault.missing else _in_folder(fault, name, rule)


def _in_folder(fault: Fault, name: str, rule: NodeRule) -> Fault:
    """Say in which folder of the server a missing model file belongs."""
    folder = folder_of(rule.name, name, core=rule.from_core)
    if not folder:
        return fault
    hint = f"put it into models/{folder} on the server, or name another; what needs it goes on by itself"
    return fault._replace(message=f"{fault.message} in models/{folder}", hint=hint, missing=f"models/{folder}/{fault.missing}")


def _rule_of(node: Any, signatures: Signatures) -> NodeRule | Fault | None:
    """Rule of a node's class, None for an unknown class."""
    if not isinstance(node, Mapping):
        return Fault("not-a-node", f"got {shown(node)}", "an object with class_type and inputs")
    kind = node.get("class_type")
    if not isinstance(kind, str):
        return Fault("missing-class-type", "the node has no class_type", "the name of a node class as a text")
    if not isinstance(node.get("inputs"), Mapping):
        return Fault("missing-inputs", f"the node ({kind}) has no inputs", "an object; {} for a node without inputs")
    return signatures.rule(kind)


def _unknown_class(kind: str, signatures: Signatures) -> Fault:
    where = "this server has" if signatures.live else "the recorded signatures have"
    message, pack = f"{where} no node class {kind!r}", signatures.pack_of(kind)
    if is_core(pack):
        hint = "update ComfyUI, or choose another template; what needs it goes on by itself"
        return Fault("unknown-node-class", message, "a ComfyUI that has it", hint, f"ComfyUI with {kind}")
    if pack:
        hint = f"install {pack} on the server and restart it; what needs it goes on by itself"
        return Fault("unknown-node-class", f"{message}, which comes with {pack}", f"node pack {pack}", hint, pack)
    near = closest(kind, list(signatures.classes))
    if signatures.live and not near:
        hint = "install the node pack that brings it, and restart the server; what needs it goes on by itself"
        return Fault("unknown-node-class", message, "a node class that the server knows", hint, kind)
    expected = f"closest: {near} (from {signatures.pack_of(near)})" if near else "a node class that the server knows"
    hint = "correct the name, or install its node pack"
    if not signatures.live:
        hint += "; with a server in koma.yaml, `koma run` asks it what it has"
    return Fault("unknown-node-class", message, expected, hint)


def _unknown_input(name: str, rule: NodeRule) -> Fault | None:
    if rule.open or name.partition(".")[0] in rule.inputs:
        return None
    near = closest(name, list(rule.inputs))
    expected = f"closest: {near}" if near else f"one of {', '.join(rule.inputs) or 'none'}"
    return Fault("unknown-input", f"{rule.name} has no input {name!r}", expected, "correct or remove it: the server would ignore it")


def _missing(node_id: str, node: Mapping[str, Any], rule: NodeRule) -> Iterator[_Found]:
    for name in rule.required:
        if name not in node["inputs"]:
            wanted = f"a value or link of type {rule.inputs[name].type}"
            yield f"{node_id}.inputs.{name}", Fault("missing-input", f"{rule.name} needs the input {name!r}", wanted)


def _wrapped(value: Mapping[str, Any], known: InputRule) -> Fault | None:
    if value.keys() != {"__value__"}:
        return known.literal(value)
    inner = value["__value__"]
    if type(inner) is list and known.types.isdisjoint(("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")):
        return None
    return known.literal(inner)


def _link_fault(link: list[Any], known: InputRule, graph: Graph, rules: Mapping[str, NodeRule]) -> Fault | None:
    if len(link) != _LINK_LENGTH or type(link[0]) is not str or type(link[1]) is not int:
        hint = 'a link names a node id in quotes and a slot from 0; a constant list is {"__value__": [...]}'
        return Fault("bad-link", f"{shown(link)} is no link", "[node id, slot]", hint)
    source, slot = link
    rule = rules.get(source)
    if rule is None:
        return _dangling(source, graph)
    if not 0 <= slot < len(rule.outputs):
        last = f"slot 0 to {len(rule.outputs) - 1}" if rule.outputs else "a node with outputs"
        return Fault("bad-slot", f"node {source} ({rule.name}) has no slot {slot}", f"{last}: {', '.join(rule.outputs)}".rstrip(": "))
    given = rule.outputs[slot]
    if given in known.types or _compatible(given, known.types):
        return None
    return Fault("wrong-link-type", f"slot {slot} of node {source} ({rule.name}) gives {given}", known.type)


def _dangling(source: str, graph: Graph) -> Fault | None:
    if source in graph:
        return None  # that node has a fault of its own, which says more
    near = closest(source, list(graph))
    listed = f"one of {', '.join(list(graph)[:LISTED])}" + (", ..." if len(graph) > LISTED else "")
    return Fault("dangling-link", f"there is no node {shown(source)}", f"closest: {near}" if near else listed)


def _compatible(given: str, wanted: frozenset[str]) -> bool:
    kinds = {part.strip() for part in given.split(",")}
    return "*" in kinds or "*" in wanted or not kinds.isdisjoint(wanted) or any(kind.startswith("COMFY_") for kind in kinds | wanted)


def _cycle(graph: Graph) -> Iterator[_Found]:
    """Take away nodes that read nothing that is left, until only cycles and what hangs on them remain."""
    reads = {node_id: _sources(node) & graph.keys() for node_id, node in graph.items()}
    readers: dict[str, list[str]] = {}
    for node_id, sources in reads.items():
        for source in sources:
            readers.setdefault(source, []).append(node_id)
    left = {node_id: len(sources) for node_id, sources in reads.items()}
    free = [node_id for node_id, count in left.items() if not count]
    while free:
        node_id = free.pop()
        del reads[node_id]
        for reader in readers.get(node_id, ()):
            left[reader] -= 1
            free += [] if left[reader] else [reader]
    if reads:
        ring = _walk(reads)
        shown_ring = (*ring, ring[0]) if len(ring) <= LISTED else (*ring[:LISTED], "...", ring[0])
        yield ring[0], Fault("cycle", f"the links go in a circle: {' → '.join(shown_ring)}", "links that lead to the output")


def _sources(node: Any) -> set[str]:
    inputs = node.get("inputs") if isinstance(node, Mapping) else None
    values = inputs.values() if isinstance(inputs, Mapping) else ()
    return {value[0] for value in values if isinstance(value, list) and value and isinstance(value[0], str)}


def _walk(reads: Mapping[str, set[str]]) -> list[str]:
    trail = [next(iter(reads))]
    while True:
        following = min(reads[trail[-1]] & reads.keys())
        if following in trail:
            return trail[trail.index(following) :]
        trail.append(following)


def _problem(path: str, fault: Fault, file: str, text: str) -> Problem:
    node_id, _, rest = path.partition(".inputs.")
    label = f"node {node_id}" + (f", input {rest}" if rest else "")
    message = f"{label}: {fault.message}" if node_id else fault.message
    place = Place(file, _line_of(node_id, text))
    return Problem(place, fault.code, message, fault.expected, fault.hint, path, missing=fault.missing)


def _line_of(node_id: str, text: str) -> int:
    at = text.find(f'"{node_id}":') if node_id else -1
    return text.count("\n", 0, at) + 1 if at >= 0 else 0
