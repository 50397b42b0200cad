"""Graphs that nobody would draw with: checked in no time, with no more words than anybody reads."""

import pytest

from koma.core.graph import check_graph
from koma.core.graph_check import MAX_NODES, MOST
from koma.core.node_rules import Signatures

INVERT = {"module": "nodes", "output": ["IMAGE"], "output_node": True, "required": {"image": {"type": "IMAGE"}}, "optional": {}}
SIGNATURES = Signatures({"ImageInvert": INVERT})


def graph(count, source):
    return {str(number): {"class_type": "ImageInvert", "inputs": {"image": [source(number), 0]}} for number in range(count)}


def test_a_graph_of_more_nodes_than_any_workflow_has_is_refused_whole():
    (problem,) = check_graph(graph(MAX_NODES + 1, lambda number: str(number + 1)), SIGNATURES, "g")
    assert problem.code == "too-many-nodes"
    assert str(MAX_NODES) in problem.expected


@pytest.mark.parametrize(
    ("made", "code"),
    [
        pytest.param(graph(500, lambda number: f"gone{number}"), "dangling-link", id="links to nowhere"),
        pytest.param({str(n): {"class_type": f"Unknown{n}", "inputs": {}} for n in range(500)}, "unknown-node-class", id="unknown classes"),
        pytest.param(
            {"1": {"class_type": "ImageInvert", "inputs": {f"x{n}": 1 for n in range(500)}}}, "unknown-input", id="unknown inputs"
        ),
    ],
)
def test_no_more_mistakes_are_told_than_anybody_reads(made, code):
    problems = check_graph(made, SIGNATURES, "g")
    assert len(problems) == MOST
    assert {problem.code for problem in problems} == {code}
    assert max(len(str(problem)) for problem in problems) < 1000


def test_a_ring_of_many_nodes_is_one_mistake_of_one_line():
    problems = check_graph(graph(1500, lambda number: str((number + 1) % 1500)), SIGNATURES, "g")
    assert [problem.code for problem in problems] == ["cycle"]
    assert len(problems[0].message) < 200


def test_a_chain_of_many_nodes_in_the_wrong_order_is_no_ring():
    made = graph(1500, lambda number: str(number + 1)) | {"1500": {"class_type": "ImageInvert", "inputs": {}}}
    assert [problem.code for problem in check_graph(made, SIGNATURES, "g")] == ["missing-input"]
