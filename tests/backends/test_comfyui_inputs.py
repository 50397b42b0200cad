"""Placeholders in graphs, and graphs that must not reach a server."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.backends.comfyui.inputs import defects, fill, unfilled

TEXT = st.text(max_size=12)
VALUES = st.recursive(
    TEXT | st.integers() | st.just("koma-input:image"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=8,
)
GRAPHS = st.dictionaries(TEXT, st.fixed_dictionaries({"class_type": TEXT, "inputs": st.dictionaries(TEXT, VALUES, max_size=3)}), max_size=4)


def _graph(**inputs: Any) -> dict[str, Any]:
    return {"1": {"class_type": "LoadImage", "inputs": inputs}}


def test_a_placeholder_is_replaced_wherever_it_stands_as_a_value() -> None:
    graph = _graph(image="koma-input:image", many=["koma-input:image", {"deep": "koma-input:image"}])
    assert fill(graph, {"koma-input:image": "koma/a.png"}) == _graph(image="koma/a.png", many=["koma/a.png", {"deep": "koma/a.png"}])


def test_a_placeholder_inside_a_longer_text_is_left_alone() -> None:
    graph = _graph(text="draw koma-input:image here")
    assert fill(graph, {"koma-input:image": "koma/a.png"}) == graph


@given(GRAPHS)
def test_filling_changes_nothing_without_names_and_leaves_the_original_alone(graph: dict[str, Any]) -> None:
    before = repr(graph)
    assert fill(graph, {}) == graph
    filled = fill(graph, {"koma-input:image": "file.png"})
    assert list(unfilled(filled)) == []
    assert repr(graph) == before


def test_a_placeholder_without_a_file_is_named_with_its_node() -> None:
    assert list(unfilled(_graph(image="koma-input:mask"))) == ["node 1 (LoadImage): no file was given for koma-input:mask"]


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        pytest.param([], "no graph", id="a list is no graph"),
        pytest.param({}, "no graph", id="an empty graph is no graph"),
        pytest.param({"4": None}, "node 4: no class_type", id="a node that is nothing"),
        pytest.param({"4": {"inputs": {}}}, "node 4: no class_type", id="a node without a class"),
        pytest.param({"4": {"class_type": "Seed"}}, "node 4 (Seed): no inputs", id="a node without inputs stops a real worker"),
    ],
)
def test_what_would_hurt_the_server_is_found_here(graph: Any, words: str) -> None:
    assert any(words in found for found in defects(graph))


@given(GRAPHS.filter(bool))
def test_a_graph_of_nodes_has_no_defect(graph: dict[str, Any]) -> None:
    assert list(defects(graph)) == []
