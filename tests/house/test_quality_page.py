"""docs/quality.md says what the code says, and what is measured; tables that take long to measure are compared in part."""

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from koma.core import thresholds
from koma.core.metrics import METRICS
from koma.measures.specimens import consistency
from koma.measures.specimens.clips import CLEAN, FAULTS, SPECIMENS
from koma.measures.specimens.table import discrimination, markdown

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "quality.md").read_text()
AGAIN = "write it again: .venv/bin/python docs/make_quality.py"
COMPARED = ("clean", "flicker-8", "hair-swap")  # one of each sort; each takes a second


@pytest.fixture(scope="module")
def maker() -> Iterator[ModuleType]:
    """The program that writes the page."""
    sys.path.insert(0, str(DOCS))
    yield import_module("make_quality")
    sys.path.remove(str(DOCS))


def rows(text: str) -> list[list[str]]:
    """Cells of the first table in a text, the head first."""
    table = next(part for part in text.strip().split("\n\n") if part.startswith("|"))
    lines = table.splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in [lines[0], *lines[2:]]]


def alike(shown: str, found: str) -> bool:
    """Whether two cells say the same, up to what another processor or library makes of it."""
    numbers = [[float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", cell)] for cell in (shown, found)]
    words = [re.sub(r"-?\d+(?:\.\d+)?", "#", cell) for cell in (shown, found)]
    return words[0] == words[1] and all(one == pytest.approx(other, rel=0.1, abs=0.05) for one, other in zip(*numbers, strict=True))


@pytest.mark.parametrize("name", ["metrics", "rules", "photographic", "models", "terms", "clips"])
def test_what_the_code_says_stands_on_the_page(maker, name):
    assert maker.part(PAGE, name) == maker.SAID[name]().strip(), f"{AGAIN} --quick"


def test_every_part_of_the_page_is_one_that_is_written(maker):
    assert set(re.findall(r"<!-- /(\w+) -->", PAGE)) == {*maker.SAID, *maker.MEASURED}


def test_the_table_of_specimens_is_what_is_measured(maker):
    head, *shown = rows(maker.part(PAGE, "specimens"))
    known = {row[0]: row for row in shown}
    assert list(known) == list(SPECIMENS), AGAIN
    again, *found = rows(markdown(discrimination(names=COMPARED)))
    assert again == head, AGAIN
    differing = [
        (row[0], name, cell, now) for row in found for name, cell, now in zip(head, known[row[0]], row, strict=True) if not alike(cell, now)
    ]
    assert differing == [], AGAIN


def test_by_the_table_every_fault_is_caught_by_the_metric_named_for_it_and_every_clean_clip_passes(maker):
    head, *shown = rows(maker.part(PAGE, "specimens"))
    verdict, caught = head.index("verdict"), head.index("caught by")
    assert {row[0]: row[verdict] for row in shown} == {**dict.fromkeys(CLEAN, "passed"), **dict.fromkeys(FAULTS, "failed")}
    assert {row[0]: metric for row in shown for metric in re.findall(r"\*\*(.+?)\*\*", row[caught])} == FAULTS


def test_by_the_table_085_lets_everything_pass_in_one_definition_and_is_best_for_standing_still_in_another(maker):
    head, *shown = rows(maker.part(PAGE, "specimens").rpartition("\n\n")[2])
    values = {row[0]: dict(zip(head, row, strict=True)) for row in shown}
    assert min(float(row["mae-consistency"]) for row in values.values()) > 0.85
    assert float(values["static"]["ssim-consistency"].strip("*")) == 1


def test_the_table_of_consistency_is_what_is_measured(maker):
    head, *shown = rows(maker.part(PAGE, "consistency"))
    assert [row[0].partition(" ")[0] for row in shown] == [*consistency.IDENTITY, consistency.CONTROL]
    again, *found = rows(consistency.markdown(consistency.table(("palette-distance",))))
    assert again == head
    (row,) = found
    assert all(map(alike, row, next(one for one in shown if one[0] == row[0]))), AGAIN


def test_what_needs_weights_is_marked_as_not_measured_and_names_the_command(maker):
    text = maker.part(PAGE, "consistency")
    for metric in (metric for metric in consistency.IDENTITY if METRICS[metric].weights):
        assert re.search(rf"^\| {metric} .*not yet measured", text, re.MULTILINE)
        assert f"`koma measure --consistency --metric {metric}`" in text


def test_thresholds_beside_the_predecessors_are_those_that_ship():
    section = PAGE.partition("## The predecessor's numbers")[2].partition("\n## ")[0]
    shipped = {value for name, value in vars(thresholds).items() if name.isupper() and name.endswith(("_MIN", "_MAX"))}
    named = [float(number) for row in rows(section)[1:] for number in re.findall(r"[≥≤] (\d+(?:\.\d+)?)", row[2])]
    assert len(named) > 6
    assert set(named) <= shipped
