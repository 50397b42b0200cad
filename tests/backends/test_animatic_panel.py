"""Reading panel descriptions: what is wrong with one is said with its field, and nothing else is ever raised."""

import contextlib
import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.backends.animatic.panel import read_panel
from koma.backends.local.fields import DocumentError
from support.panels import PANEL, panel

WRONG = {
    "another format": ("format", 2, "format"),
    "no phase": ("phase", None, "phase"),
    "an unknown phase": ("phase", "film", "phase"),
    "a width that is text": ("width", "wide", "width"),
    "a width of nothing": ("width", 0, "width"),
    "a width that is true": ("width", True, "width"),
    "a height beyond reason": ("height", 100_000, "height"),
    "no rate": ("fps", 0, "fps"),
    "a rate that is no number": ("fps", float("nan"), "fps"),
    "no frames": ("frames", 0, "frames"),
    "a negative seed": ("seed", -1, "seed"),
    "an unknown framing": ("framing", "huge", "framing"),
    "an unknown angle": ("angle", "sideways", "angle"),
    "an unknown move": ("camera.move", "teleport", "camera.move"),
    "an unknown direction": ("camera.direction", "north", "camera.direction"),
    "a camera that is text": ("camera", "static", "camera"),
    "an unknown time": ("time", "teatime", "time"),
    "an action that is a list": ("action", ["walks"], "action"),
    "a location that is text": ("location", "street", "location"),
    "a location's colour that is none": ("location.palette", ["red"], "location.palette[0]"),
    "characters that are an object": ("characters", {}, "characters"),
    "a character that is text": ("characters", ["sora"], "characters[0]"),
    "an unknown position": ("characters.0.position", "up", "characters[0].position"),
    "an unknown facing": ("characters.0.facing", "up", "characters[0].facing"),
    "a colour with a digit too many": ("characters.0.palette", {"hair": "#1234567"}, "characters[0].palette.hair"),
    "a colour with letters": ("characters.0.palette", {"hair": "#gggggg"}, "characters[0].palette.hair"),
    "a height of nothing": ("characters.0.height", 0, "characters[0].height"),
    "a reference that is a number": ("characters.0.reference", 3, "characters[0].reference"),
    "a line that is text": ("dialogue", ["hello"], "dialogue[0]"),
}


@pytest.mark.parametrize(("path", "value", "named"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_named_with_its_field(path, value, named):
    with pytest.raises(DocumentError) as caught:
        read_panel(panel((path, value), phase="video") if path != "phase" else panel((path, value)))
    assert str(caught.value).startswith(f"{named}:")


def test_empty_words_have_usual_meanings():
    read = read_panel(
        panel(("camera", {"move": "", "direction": None}), framing="", angle=None, time=None, location=None, characters=[], dialogue=[])
    )
    assert (read.framing, read.angle, read.camera.move, read.camera.speed, read.time) == ("medium", "eye", "static", 1.0, "")


def test_a_still_is_one_frame_whatever_the_shot_lasts():
    assert read_panel(panel(frames=120)).frames == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def spoiled(draw):
    """Return the panel with one value, anywhere, replaced by anything."""
    made = copy.deepcopy(PANEL)
    at, keys = made, list(made)
    while True:
        key = draw(st.sampled_from(keys))
        inner = at[key]
        if isinstance(inner, dict | list) and inner and draw(st.booleans()):
            at, keys = inner, list(inner) if isinstance(inner, dict) else list(range(len(inner)))
            continue
        at[key] = draw(JSON)
        return made


@given(spoiled())
def test_whatever_stands_in_a_field_either_reads_or_is_a_document_error(description):
    with contextlib.suppress(DocumentError):
        assert read_panel(description).frames >= 1
