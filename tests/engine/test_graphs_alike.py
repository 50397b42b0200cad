"""One form for many shots: the digest of a graph is the same whether it was filled into a form or rendered by itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koma.core.draft import Draft
from koma.core.node_rules import Signatures
from koma.core.problem import Problem
from koma.engine import graphs
from koma.engine.graphs import Graphs
from koma.templating.jinja import JinjaRenderer
from koma.templating.signatures import load_recorded
from support.worlds import template

SAVE = '"9": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": {{ output_prefix }}}}'
NOISE = '"1": {"class_type": "ImageAddNoise", "inputs": {"image": ["0", 0], "seed": {{ seed }}, "strength": 0.5}}'
EMPTY = '"0": {"class_type": "EmptyImage", "inputs": {"width": {{ width }}, "height": 64, "batch_size": 1, "color": 1}}'
WORDS = '"2": {"class_type": "PrimitiveString", "inputs": {"value": {{ prompt }}}}'
TEMPLATES = {
    "puts words and seed straight in": f"{{{EMPTY}, {NOISE}, {SAVE}, {WORDS}}}",
    "uses the words twice": f"{{{EMPTY}, {NOISE}, {SAVE}, {WORDS}, {WORDS.replace(chr(34) + '2', chr(34) + '3')}}}",
    "asks whether there are words": f"{{{EMPTY}, {NOISE}, {SAVE}{{% if negative %}}, {WORDS.replace('prompt', 'negative')}{{% endif %}}}}",
    "makes other words of them": f"{{{EMPTY}, {NOISE}, {SAVE}, {WORDS.replace('prompt', 'prompt ~ negative')}}}",
    "reckons with the seed": f"{{{EMPTY}, {NOISE.replace('seed }}', 'seed // 2 }}')}, {SAVE}, {WORDS}}}",
    "does not use them": f"{{{EMPTY}, {NOISE.replace('{{ seed }}', '7')}, {SAVE}}}",
    "counts the words": f"{{{EMPTY}, {NOISE.replace('{{ seed }}', '{{ prompt | length }}')}, {SAVE}}}",
}
SIGNATURES = load_recorded()


class Counting(JinjaRenderer):
    def __init__(self):
        super().__init__()
        self.rendered = 0

    def render(self, name, text, batch):
        self.rendered += len(batch)
        return super().render(name, text, batch)


def drawn(text, parameters, *, few=None, signatures=SIGNATURES):
    """What shots with these parameters come to, and how many graphs were rendered for it."""
    made = template()._replace(text=text)
    drafts = []
    for number, values in enumerate(parameters):
        address = f"p/s01/sh{number:03d}"
        params = {**values, "output_prefix": "koma-output"}
        drafts.append(Draft(f"{address}/still", address, "still", "s01.yaml", {}, "", {}, template=made, params=params))
    renderer = Counting()
    before, graphs.FEW = graphs.FEW, graphs.FEW if few is None else few
    try:
        found = Graphs(lambda: renderer, lambda: signatures).drawn(drafts)
    finally:
        graphs.FEW = before
    return [found[draft.id] for draft in drafts], renderer.rendered


words = st.text(max_size=12) | st.sampled_from(['say "hi"', "{{ seed }}", "koma-stand-in:prompt", "18446744073709551557", "\\", "コマ"])
shots = st.fixed_dictionaries(
    {"prompt": words, "negative": words, "seed": st.integers(0, 2**64 - 1), "width": st.sampled_from([64, 128])},
)


@pytest.mark.parametrize("text", TEMPLATES.values(), ids=TEMPLATES.keys())
@given(st.lists(shots, min_size=3, max_size=8))
@settings(max_examples=15, deadline=None)
def test_a_form_gives_the_same_digests_as_rendering_each(text, parameters):
    assert drawn(text, parameters)[0] == drawn(text, parameters, few=1000)[0]


def values(count, **more):
    return [{"prompt": f"shot {number}", "negative": "", "seed": number, "width": 64, **more} for number in range(count)]


def test_many_shots_of_one_form_are_rendered_once():
    found, rendered = drawn(TEMPLATES["puts words and seed straight in"], values(50))
    assert rendered == 1
    assert len({one.digest for one in found}) == 50


def test_shots_of_several_forms_are_rendered_once_for_each():
    found, rendered = drawn(TEMPLATES["puts words and seed straight in"], [*values(9), *values(9, width=128)])
    assert rendered == 2
    assert len({one.digest for one in found}) == 18


def test_a_few_shots_are_rendered_one_by_one():
    assert drawn(TEMPLATES["puts words and seed straight in"], values(2))[1] == 2


MISTAKES = {
    "an undefined name": TEMPLATES["does not use them"].replace("64,", "{{ nowhere }},"),
    "a graph that is no JSON": TEMPLATES["does not use them"].replace("}}", "}"),
    "a class that nobody has": TEMPLATES["does not use them"].replace("EmptyImage", "EmptyImagge"),
}


@pytest.mark.parametrize("text", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_found_for_every_shot(text):
    found, _ = drawn(text, values(5))
    assert all(one.problems for one in found)
    assert all(isinstance(problem, Problem) for one in found for problem in one.problems)


def test_a_seed_that_only_some_shots_break_is_found_for_those():
    seed = {"type": "INT", "min": 0, "max": 100}
    node = {"module": "nodes", "output": ["IMAGE"], "output_node": True, "required": {"seed": seed}, "optional": {}}
    text = '{"1": {"class_type": "Small", "inputs": {"seed": {{ seed }}}}}'
    parameters = [{**one, "seed": number} for one, number in zip(values(4), (1, 50, 101, 7), strict=True)]
    found, _ = drawn(text, parameters, signatures=Signatures({"Small": node}))
    assert [bool(one.problems) for one in found] == [False, False, True, False]
