"""Budgets of the reference card, and what is kept of templates that were tried out."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.manifest import parse_template
from koma.core.qualified import budget_seconds, seconds_by_template, with_run
from koma.core.template import Template

TEMPLATES = Path(__file__).parents[2] / "templates"


def shipped(name: str) -> Template:
    template = parse_template((TEMPLATES / name / "template.yaml").read_bytes(), f"templates/{name}/template.yaml")
    assert isinstance(template, Template), template
    return template


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        pytest.param("still", 60.0, id="a still"),
        pytest.param("character-sheet", 30.0, id="a pose of a sheet"),
        pytest.param("loop-animatediff", 120.0, id="a loop"),
        pytest.param("svd-video-fast", 300.0, id="a video in one run"),
        pytest.param("svd-video", 60.0, id="one of the five runs of a chained video"),
        pytest.param("post", None, id="a finishing step has no budget"),
    ],
)
def test_budgets(name, seconds):
    assert budget_seconds(shipped(name)) == seconds


def test_the_newest_run_of_a_template_counts_and_that_of_the_wanted_rendition_before_another():
    document = with_run({}, "still", "draft", {"seconds": 9.0})
    document = with_run(document, "still", "final", {"seconds": 30.0})
    document = with_run(document, "still", "final", {"seconds": 20.0})
    document = with_run(document, "video", "draft", {"seconds": 100.0})
    assert seconds_by_template(document, "final") == {"still": [20.0], "video": [100.0]}
    assert seconds_by_template(document, "draft") == {"still": [9.0], "video": [100.0]}
    assert document["format_version"] == 1


values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["templates", "final", "seconds"]), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_a_file_of_another_shape_estimates_nothing_wrong_and_can_be_written_over(document):
    assert all(seconds[0] > 0 for seconds in seconds_by_template(document, "final").values())
    assert seconds_by_template(with_run(document, "still", "final", {"seconds": 2.0}), "final")["still"] == [2.0]
