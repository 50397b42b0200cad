"""What changed between two takes, field by field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.changes import DIGEST, differences

OLD = {"framing": "wide", "frames": 24, "words.prompt": "wide shot", DIGEST: "1"}


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        pytest.param({**OLD}, [], id="nothing changed"),
        pytest.param({**OLD, "frames": 25}, [("frames", 24, 25)], id="a number changed"),
        pytest.param({**OLD, "mood": "calm"}, [("mood", None, "calm")], id="a field is new"),
        pytest.param({name: OLD[name] for name in OLD if name != "frames"}, [("frames", 24, None)], id="a field is gone"),
        pytest.param({**OLD, "mood": None}, [("mood", None, None)], id="a field is there now and says nothing"),
        pytest.param({**OLD, DIGEST: "2"}, [], id="the digest of all fields is no field"),
        pytest.param({**OLD, "words.prompt": "x", "framing": "close-up"}, [("framing", "wide", "close-up")], id="the prompt only follows"),
        pytest.param({**OLD, "words.prompt": "x"}, [("words.prompt", "wide shot", "x")], id="the prompt alone is named"),
        pytest.param(
            {**OLD, "frames": 1, "angle": "low"}, [("angle", None, "low"), ("frames", 24, 1)], id="several, in order of their names"
        ),
    ],
)
def test_differences(new, expected):
    assert [tuple(change) for change in differences(OLD, new)] == expected


facts = st.dictionaries(st.sampled_from(["a", "b", "words.prompt", DIGEST]), st.integers(0, 2))


@given(facts, facts)
def test_the_way_back_names_the_same_fields_with_old_and_new_exchanged(one, other):
    back = [(name, new, old) for name, old, new in differences(other, one)]
    assert back == [tuple(change) for change in differences(one, other)]


@given(facts)
def test_nothing_differs_from_itself(one):
    assert differences(one, dict(one)) == []
