"""Keys: equal wishes have equal keys, and everything that can change pixels moves them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.graph import canonical_graph
from koma.core.keys import canonical, derived_seed, digest, render_key, take_key, take_seed, text_digest

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4), max_leaves=12
)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)

GRAPH = {
    "1": {"class_type": "KSampler", "inputs": {"seed": 7, "steps": 20}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "koma"}, "_meta": {"title": "Save"}},
}


def shuffled(value):
    """The same value with every mapping the other way round."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    return [shuffled(item) for item in value] if isinstance(value, list) else value


@given(values)
def test_a_digest_does_not_depend_on_the_order_of_mappings(value):
    assert digest(value) == digest(shuffled(value))


@given(values, values)
def test_values_have_the_same_digest_exactly_when_their_json_is_the_same(one, other):
    assert (digest(one) == digest(other)) == (canonical(one) == canonical(other))


@given(st.lists(texts, max_size=4), st.lists(texts, max_size=4))
def test_no_two_lists_of_texts_collide(one, other):
    assert (text_digest(*one) == text_digest(*other)) == (one == other)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_has_no_canonical_text(number):
    with pytest.raises(ValueError, match="JSON"):
        canonical({"cfg": number})


@pytest.mark.parametrize(
    "graph",
    [
        pytest.param({**GRAPH, "2": {**GRAPH["2"], "inputs": {"images": ["1", 0], "filename_prefix": "other"}}}, id="another file prefix"),
        pytest.param({**GRAPH, "2": {**GRAPH["2"], "_meta": {"title": "Keep"}}}, id="another title of a node"),
        pytest.param({**GRAPH, "2": {k: v for k, v in GRAPH["2"].items() if k != "_meta"}}, id="no notes at all"),
        pytest.param(shuffled(GRAPH), id="another order of nodes and inputs"),
    ],
)
def test_these_graphs_have_the_same_key(graph):
    assert digest(canonical_graph(graph)) == digest(canonical_graph(GRAPH))


@pytest.mark.parametrize(
    "graph",
    [
        pytest.param({**GRAPH, "1": {"class_type": "KSampler", "inputs": {"seed": 8, "steps": 20}}}, id="another seed"),
        pytest.param({**GRAPH, "1": {"class_type": "KSamplerB", "inputs": {"seed": 7, "steps": 20}}}, id="another class"),
        pytest.param({"3": GRAPH["1"], "2": {**GRAPH["2"], "inputs": {"images": ["3", 0]}}}, id="another id of a node"),
        pytest.param({**GRAPH, "1": {"class_type": "KSampler", "inputs": {"seed": 7, "steps": 20, "cfg": 7}}}, id="one more input"),
        pytest.param(
            {**GRAPH, "2": {**GRAPH["2"], "inputs": {"images": ["1", 1], "filename_prefix": "koma"}}}, id="another output of a node"
        ),
    ],
)
def test_these_graphs_have_another_key(graph):
    assert digest(canonical_graph(graph)) != digest(canonical_graph(GRAPH))


def test_a_render_key_does_not_depend_on_the_order_of_inputs():
    assert render_key("comfyui", "g", [("a", "1"), ("b", "2")]) == render_key("comfyui", "g", [("b", "2"), ("a", "1")])


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(("animatic", "g", [("image", "1")]), id="the kind of backend"),
        pytest.param(("comfyui", "h", [("image", "1")]), id="the graph"),
        pytest.param(("comfyui", "g", [("image", "2")]), id="the pixels of an input"),
        pytest.param(("comfyui", "g", [("mask", "1")]), id="the name of an input"),
        pytest.param(("comfyui", "g", []), id="an input that is gone"),
        pytest.param(("comfyui", "g", [("image", "1"), ("mask", "1")]), id="one more input"),
    ],
)
def test_a_render_key_moves_with(changed):
    assert render_key(*changed) != render_key("comfyui", "g", [("image", "1")])


TAKE = ("p/s01/sh010/still", "final", "key", 1, 7)


@pytest.mark.parametrize("place", range(5), ids=["target", "rendition", "render_key", "number", "seed"])
def test_a_take_key_moves_with(place):
    other = [*TAKE]
    other[place] = "other" if isinstance(other[place], str) else other[place] + 1
    assert take_key(*other) != take_key(*TAKE)


@given(st.text(max_size=30), st.integers(1, 30))
def test_a_derived_seed_is_a_seed_that_servers_take_and_is_always_the_same(address, number):
    seed = derived_seed(address, number)
    assert 0 <= seed < 2**64
    assert seed == derived_seed(address, number)


def test_every_address_and_take_has_a_seed_of_its_own():
    seeds = {derived_seed(f"p/s01/sh{shot:03d}", number) for shot in range(50) for number in range(1, 5)}
    assert len(seeds) == 200


def test_a_derived_seed_is_the_same_in_every_version_of_koma():
    assert derived_seed("lantern-street/s01/sh010", 1) == 8511045243872469433


@pytest.mark.parametrize(
    ("number", "wanted", "expected"),
    [
        pytest.param(1, 2024, 2024, id="take 1 has the seed of the spec"),
        pytest.param(1, 0, 0, id="zero is a seed like any other"),
        pytest.param(2, 2024, derived_seed("a", 2), id="take 2 has a derived seed"),
        pytest.param(1, None, derived_seed("a", 1), id="without a seed in the spec take 1 has a derived one too"),
    ],
)
def test_which_seed_a_take_has(number, wanted, expected):
    assert take_seed("a", number, wanted) == expected
