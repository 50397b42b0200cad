"""Reading a rendered graph, and the forms that keys, attempts and receipts take of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.graph import canonical_graph, expected_outputs, model_files, parse_graph, with_output_prefix
from koma.core.problem import Problem
from koma.templating.signatures import load_recorded

FILE = "templates/x/graph.json.j2"
GRAPH = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "koma-input:image"}, "_meta": {"title": "Still"}},
    "a:2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}

BROKEN = {
    "a missing colon is found where it should be": ('{\n "a" 1\n}', "not-json", f"{FILE}:2:6", 'line is: "a" 1'),
    "a missing bracket is found at the end": ('{"a": 1', "not-json", f"{FILE}:1:8", '{"a": 1'),
    "a key that stands twice is refused": ('{"a": 1, "a": 2}', "not-json", FILE, "'a' stands twice"),
    "infinity is no JSON": ('{"a": Infinity}', "not-json", FILE, "Infinity is no JSON number"),
    "not-a-number is no JSON": ('{"a": NaN}', "not-json", FILE, "NaN is no JSON number"),
    "a list is no graph": ("[]", "not-a-graph", FILE, "not an object"),
    "nothing is no graph": ("", "not-json", f"{FILE}:1:1", ""),
    "a graph without end is refused": ("[" * 100_000, "not-json", FILE, ""),
}


@pytest.mark.parametrize(("text", "code", "place", "words"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_graph_is_a_located_problem(text, code, place, words):
    problem = parse_graph(text, FILE)
    assert isinstance(problem, Problem)
    assert problem.code == code
    assert str(problem.place).startswith(place)
    assert words in problem.message + problem.hint


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_what_json_can_say_is_read_as_it_was_written(value):
    assert parse_graph(json.dumps(value), FILE) == value


def test_keys_leave_out_titles_and_where_files_go():
    assert canonical_graph(GRAPH) == {
        "1": {"class_type": "LoadImage", "inputs": {"image": "koma-input:image"}},
        "a:2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
    }


def test_a_graph_that_was_not_checked_has_a_canonical_form_too():
    assert canonical_graph({"1": [], "2": {"inputs": 3}}) == {"1": [], "2": {"class_type": None, "inputs": 3}}


def test_the_canonical_form_does_not_depend_on_the_output_prefix():
    assert canonical_graph(with_output_prefix(GRAPH, "koma/t1/a1")) == canonical_graph(GRAPH)


def test_one_saving_node_gets_the_prefix_itself():
    assert with_output_prefix(GRAPH, "koma/t1")["a:2"]["inputs"]["filename_prefix"] == "koma/t1"


def test_several_saving_nodes_get_a_name_each_that_is_safe_in_a_path():
    graph = {**GRAPH, "b%year%": GRAPH["a:2"]}
    changed = with_output_prefix(graph, "koma/t1")
    prefixes = [changed[node]["inputs"]["filename_prefix"] for node in ("a:2", "b%year%")]
    assert prefixes == ["koma/t1/a_2", "koma/t1/b_year_"]


def test_setting_the_prefix_leaves_the_given_graph_alone():
    before = json.dumps(GRAPH)
    with_output_prefix(GRAPH, "koma/t1")
    assert json.dumps(GRAPH) == before


def test_model_files_are_named_with_their_folder_once():
    graph = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
        "2": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
        "3": {"class_type": "CLIPVisionLoader", "inputs": {"clip_name": "v.safetensors"}},
        "4": {"class_type": "CLIPTextEncode", "inputs": {"text": "never a model.safetensors", "clip": ["1", 1]}},
        "5": {"class_type": "RIFE VFI", "inputs": {"ckpt_name": "rife49.pth"}},
    }
    assert model_files(graph, load_recorded()) == [
        ("checkpoints", "a.safetensors"),
        ("clip_vision", "v.safetensors"),
        ("ckpt_name", "rife49.pth"),
    ]


def test_nodes_that_write_files_are_expected_to_and_previews_are_not():
    graph = {**GRAPH, "look": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}
    assert expected_outputs(graph, load_recorded()) == {"a:2": "SaveImage"}
