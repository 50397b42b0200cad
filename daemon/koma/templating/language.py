"""Which parts of the Jinja language a graph template may use, checked on the syntax tree before anything runs."""

import re
from collections import Counter
from collections.abc import Collection, Iterator

from jinja2 import nodes

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.List, nodes.Dict, nodes.Pair, nodes.Tuple,
    nodes.For, nodes.If, nodes.Assign, nodes.CondExpr, nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Test, nodes.Call,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos,
    nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod,
)  # fmt: skip
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_WORDS = {
    "Concat": "`~`: join texts with `+`",
    "Pow": "`**`",
    "Block": "{% block %}",
    "CallBlock": "{% call %}",
    "AssignBlock": "{% set %} without `=`",
}


class Mistake(Exception):  # noqa: N818 - it becomes a Problem, nobody sees it raised
    """Something that a template may not say: message, line, stable code, what to do."""

    def __init__(self, code: str, message: str, line: int, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.line = line
        self.hint = hint


def check_language(tree: nodes.Template) -> None:
    """Raise Mistake at the first thing that a graph template may not use."""
    for node in _walk(tree):
        if type(node) not in _ALLOWED or (isinstance(node, nodes.For) and node.recursive):
            word = _WORDS.get(type(node).__name__, "{% " + type(node).__name__.lower() + " %}")
            raise Mistake("template-language", f"graph templates can't use {word}", node.lineno, "use {{ }}, if, for and set")
        if isinstance(node, nodes.Call):
            _check_call(node)
        if isinstance(node, nodes.TemplateData):
            _check_quotes(node)


def _check_call(node: nodes.Call) -> None:
    if not (isinstance(node.node, nodes.Name) and node.node.name == "range") or node.kwargs or node.dyn_args or node.dyn_kwargs:
        raise Mistake("template-language", "graph templates can call nothing but range()", node.lineno, "use a filter, or a parameter")


def _check_quotes(node: nodes.TemplateData) -> None:
    """Refuse text between two tags that ends inside a JSON string: a value put there would stand outside of its own quotes."""
    rest = _STRING.sub(lambda match: " " * len(match[0]), node.data)
    at = rest.find('"')
    if at >= 0:
        line = node.lineno + node.data.count("\n", 0, at)
        hint = 'write "text": {{ prompt }}; join texts inside the tag: {{ "style of " + name }}'
        raise Mistake("template-quotes", "a quote is open at a tag: values bring their own quotes", line, hint)


def names_of(tree: nodes.Template, known: Collection[str]) -> dict[str, int]:
    """Names that are read but never set in the template, except `known`, each with the line of its first use."""
    own = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"} | {"loop", *known}
    names: dict[str, int] = {}
    for node in tree.find_all(nodes.Name):
        if node.name not in own:
            names[node.name] = min(node.lineno, names.get(node.name, node.lineno))
    return dict(sorted(names.items(), key=lambda item: item[1]))


def verbatim_names(tree: nodes.Template) -> frozenset[str]:
    """Names that stand in the template only as whole outputs (`{{ prompt }}`): whatever their value, it goes into the graph as it is."""
    whole = [node for output in tree.find_all(nodes.Output) for node in output.nodes if isinstance(node, nodes.Name)]
    counted = Counter(node.name for node in tree.find_all(nodes.Name))
    return frozenset(name for name, count in Counter(node.name for node in whole).items() if counted[name] == count)


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)
