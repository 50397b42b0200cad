"""Forms that were found sound are kept: what they give later is what rendering would give, and they end with what they rest on."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koma.core.draft import Draft
from koma.engine import forms
from koma.engine.forms import Forms
from koma.engine.graphs import Graphs
from koma.sources.cache import Cache
from koma.templating.jinja import JinjaRenderer
from koma.templating.signatures import load_recorded
from support.worlds import template

SIGNATURES = load_recorded()
SOUND = (
    '{"0": {"class_type": "EmptyImage", "inputs": {"width": {{ width }}, "height": 64, "batch_size": 1, "color": 1}},'
    ' "1": {"class_type": "ImageAddNoise", "inputs": {"image": ["0", 0], "seed": {{ seed }}, "strength": 0.5}},'
    ' "2": {"class_type": "PrimitiveString", "inputs": {"value": {{ prompt }}}},'
    ' "9": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": {{ output_prefix }}}}}'
)
BROKEN = SOUND.replace("EmptyImage", "EmptyImagge")


class Counting(JinjaRenderer):
    """Counts what it is asked for."""

    def __init__(self):
        super().__init__()
        self.asked = 0

    def render(self, name, text, batch):
        self.asked += 1
        return super().render(name, text, batch)

    def verbatim(self, name, text):
        self.asked += 1
        return super().verbatim(name, text)


class Looks:
    """Looks at shots, each as a process of its own would: all that one look has of another is the cache."""

    def __init__(self, cache):
        self._cache = cache
        self.asked = 0

    def __call__(self, parameters, text=SOUND, server="one"):
        made, renderer = template()._replace(text=text), Counting()
        drafts = []
        for number, values in enumerate(parameters):
            address, params = f"p/s01/sh{number:03d}", {**values, "output_prefix": "koma-output"}
            drafts.append(Draft(f"{address}/still", address, "still", "s01.yaml", {}, "", {}, template=made, params=params))
        found = Graphs(lambda: renderer, lambda: SIGNATURES, forms=Forms(self._cache, lambda: server)).drawn(drafts)
        self.asked = renderer.asked
        return [found[draft.id] for draft in drafts]


@pytest.fixture
def look(tmp_path):
    with Cache(tmp_path / "cache.db", version="1") as cache:
        yield Looks(cache)


def shots(count, **more):
    return [{"prompt": f"shot {number}", "seed": number, "width": 64, **more} for number in range(count)]


def alone(parameters, text=SOUND):
    return [Looks(None)([values], text)[0] for values in parameters]


def test_one_shot_more_is_not_rendered(look):
    look(shots(9))
    assert look.asked
    changed = [{"prompt": "turns the page", "seed": 4711, "width": 64}]
    assert look(changed) == alone(changed)
    assert look.asked == 0


CHANGES = {
    "the template": {"text": SOUND.replace("0.5", "0.6")},
    "what is known of the server": {"server": "another"},
    "a parameter that all share": {"parameters": shots(1, width=128)},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_it_is_rendered_after_a_change_of(look, change):
    look(shots(9))
    asked = {"parameters": shots(1), **change}
    found = look(**asked)
    assert look.asked
    assert found == alone(asked["parameters"], asked.get("text", SOUND))


def test_what_is_wrong_is_found_every_time(look):
    first = look(shots(9), BROKEN)
    assert all(one.problems for one in first)
    assert look(shots(9), BROKEN) == first
    assert look.asked


def test_a_template_that_changed_leaves_nothing_behind(look, tmp_path):
    for strength in range(5):
        look(shots(9), SOUND.replace("0.5", f"0.{strength}"))
    with Cache(tmp_path / "cache.db", version="1") as cache:
        assert cache._rows("SELECT count(*) FROM notes WHERE name LIKE 'forms %'") == [(1,)]


def test_the_newest_are_kept_where_there_are_too_many(look, monkeypatch):
    monkeypatch.setattr(forms, "MOST", 2)
    for width in (64, 128, 192):
        look(shots(9, width=width))
    asked = []
    for width in (192, 128, 64):
        look(shots(1, width=width))
        asked.append(bool(look.asked))
    assert asked == [False, False, True]


words = st.text(max_size=12) | st.sampled_from(['say "hi"', "{{ seed }}", "koma-stand-in:prompt", "18446744073709551557", "\\", "コマ"])
values = st.fixed_dictionaries({"prompt": words, "seed": st.integers(0, 2**64 - 1), "width": st.sampled_from([64, 128])})


@given(st.lists(values, min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_a_kept_form_gives_the_same_as_rendering(tmp_path_factory, parameters):
    with Cache(tmp_path_factory.mktemp("kept") / "cache.db", version="1") as cache:
        look = Looks(cache)
        look([*shots(3), *shots(3, width=128)])
        assert look(parameters) == alone(parameters)
