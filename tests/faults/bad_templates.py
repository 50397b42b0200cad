"""Templates that want out, want everything, or write something that is no graph: each is refused with a place, and the next one goes on.

Each goes the way of every template: rendered in the confined process, read as JSON, checked as a graph.
"""

import json
import os
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `support` and `faults`

from faults.table import Row, main
from koma.core.graph import check_graph, parse_graph
from koma.core.problem import Problem
from koma.ports import Renderer
from koma.templating.confined import ConfinedRenderer
from koma.templating.signatures import load_recorded
from support.hostile_templates import BOMBS, ESCAPES, FLOODS, OUTPUTS, SYNTAX, TEXT_NODE, VALUES, WORDS

MOST = 2.5  # s; a template may take 1, and 2 where only the system can stop it; a process that starts anew takes its part
FILE = "templates/hostile/graph.json.j2"


class Case(NamedTuple):
    """One template: what it tries, in a word, its text, and the values that it gets."""

    kind: str
    text: str
    values: Mapping[str, Any] = VALUES


def cases() -> list[Case]:
    """Every template, those that are to be refused first."""
    tables = {"escape": ESCAPES, "flood": FLOODS, "bomb": BOMBS, "mistake": SYNTAX, "no graph": OUTPUTS}
    refused = [Case(kind, text) for kind, texts in tables.items() for text in texts]
    return refused + [Case("hostile words", TEXT_NODE, {**VALUES, "prompt": words}) for words in WORDS]


def objections(case: Case, renderer: Renderer) -> Iterator[str]:
    """Carry one template through, and say what is not as it must be."""
    (text,) = renderer.render(FILE, case.text, [case.values])
    graph = text if isinstance(text, Problem) else parse_graph(text, FILE)
    if case.kind == "hostile words":
        words = case.values["prompt"]
        kept = words if words.isprintable() else words.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if isinstance(graph, Problem) or graph.keys() != {"1", "2"} or graph["1"]["inputs"] != {"text": kept, "clip": ["2", 1]}:
            yield f"words changed the graph: {str(graph)[:200]}"
        return
    if case.kind != "no graph" and not isinstance(text, Problem):
        yield f"it was rendered: {text[:100]!r}"
    found = [graph] if isinstance(graph, Problem) else check_graph(graph, load_recorded(), FILE, case.text)
    if not found:
        yield "it was accepted"
    for problem in found:
        if problem.place.file != FILE or not problem.code or not problem.message:
            yield f"no place or no words: {problem}"
        json.dumps(str(problem)).encode()


def tried(case: Case, renderer: Renderer) -> list[str]:
    """Objections to how a template was dealt with, and to how the next one was."""
    try:
        wrong = list(objections(case, renderer))
        wrong += [] if renderer.render(FILE, "{{ seed }}", [VALUES]) == ["7"] else ["the next template was not rendered"]
    except Exception as error:  # noqa: BLE001  this is what is looked for
        return [f"{type(error).__name__}: {error}"]
    return wrong


def computing(pid: int | None) -> float:
    """Seconds of computing of every process that was started from here: those that ended, and the one that runs."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split() if pid is not None else ["0"] * 20
    return ended.ru_utime + ended.ru_stime + (int(running[11]) + int(running[12])) / os.sysconf("SC_CLK_TCK")


def rows(share: float, make: Callable[[], ConfinedRenderer] = ConfinedRenderer) -> list[Row]:
    """Try a share of the templates: evenly from every kind."""
    every = max(1, round(1 / share))
    chosen = [
        case for kind in dict.fromkeys(case.kind for case in cases()) for case in [one for one in cases() if one.kind == kind][::every]
    ]
    renderer, wrong, slowest = make(), [], 0.0
    try:
        for case in chosen:
            began = computing(renderer.pid)
            wrong += [f"{case.kind} {case.text[:60]!r}: {objection[:300]}" for objection in tried(case, renderer)]
            slowest = max(slowest, computing(renderer.pid) - began)
    finally:
        renderer.close()
    fired = {kind: sum(case.kind == kind for case in chosen) for kind in dict.fromkeys(case.kind for case in chosen)}
    figure = f"{len(chosen)} templates, {len(wrong)} wrong, at most {slowest:.1f} s of computing for one and the next"
    return [
        Row(
            "bad input: templates",
            f"at least 150, each refused with its place within {MOST:g} s of computing, 0 crashes",
            figure,
            not wrong and slowest < MOST,
            fired,
            "; ".join(wrong[:5]),
        )
    ]


if __name__ == "__main__":
    sys.exit(main(rows))
