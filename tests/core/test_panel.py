"""The panel description of the animatic: what is drawn, and nothing that is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.keys import digest
from koma.core.panel import LONGEST_SIDE, panel_of, panel_size
from koma.core.resolve import resolve_shot
from koma.core.words import Phase
from support.worlds import AKI, ALLEY, PROJECT, scene, shot, world


@given(st.integers(64, 8192), st.integers(64, 8192))
def test_a_panel_is_even_small_enough_and_has_the_shape_of_the_picture(width, height):
    wide, high = panel_size(width, height)
    assert wide % 2 == 0
    assert high % 2 == 0
    assert max(wide, high) <= max(LONGEST_SIDE, 2)
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    assert abs(wide - width * scale) <= 1 or wide == 2
    assert abs(high - height * scale) <= 1 or high == 2


SIZES = {(640, 360): (640, 360), (1920, 1080): (960, 540), (1080, 1920): (540, 960), (8192, 64): (960, 8), (1024, 576): (960, 540)}


@pytest.mark.parametrize(("size", "expected"), SIZES.items())
def test_the_size_of_a_panel(size, expected):
    assert panel_size(*size) == expected


def panel(phase=Phase.VIDEO, *, made=None, references=None, of_scene=None, **fields):
    made = made or world()
    cut = shot(**fields)
    values = resolve_shot(made, scene(cut, **(of_scene or {})), cut).values
    return panel_of(values, made.project.data, phase, 7, references or {})


def test_a_still_has_one_frame_and_a_clip_has_all():
    assert (panel(Phase.STILL)["frames"], panel(Phase.VIDEO)["frames"]) == (1, 24)


def test_somebody_without_a_picture_has_none_in_the_panel():
    named = panel(references={"aki": "reference:aki"})["characters"][0]
    assert (named["reference"], panel()["characters"][0]["reference"]) == ("reference:aki", None)


def test_somebody_of_whom_little_is_known_is_drawn_with_what_is_usual():
    made = world(characters=({"kind": "character", "id": "aki", "name": "Aki"},))
    figure = panel(made=made)["characters"][0]
    assert (figure["height"], figure["hair"], figure["palette"], figure["pose"]) == (1.0, "", {}, "")


def test_a_shot_nowhere_has_no_place():
    assert panel(made=world(locations=()), of_scene={"location": None})["location"] is None


DRAWN = {
    "the framing": {"framing": "close-up"},
    "the angle": {"angle": "low"},
    "the camera": {"camera": {"move": "pan", "direction": "left"}},
    "the action": {"action": "runs"},
    "the time of day": {"time": "dawn"},
    "the mood": {"mood": "calm"},
    "the weather": {"weather": "snow"},
    "the dialogue": {"dialogue": [{"id": "l1", "who": "aki", "text": "Late."}]},
    "the length": {"frames": 25},
    "who is there": {"characters": []},
    "an expression": {"characters": [{"id": "aki", "expression": "smile"}]},
    "a pose": {"characters": [{"id": "aki", "pose": "walking"}]},
    "a colour": {"characters": [{"id": "aki", "palette": {"hair": "#ffffff"}}]},
    "a height": {"characters": [{"id": "aki", "height": 0.5}]},
}


@pytest.mark.parametrize("fields", DRAWN.values(), ids=DRAWN.keys())
def test_a_panel_changes_with(fields):
    assert digest(panel(**fields)) != digest(panel())


NOT_DRAWN = {
    "words for a prompt": {"prompt": "steam"},
    "words that must not be in it": {"negative": "hats"},
    "notes": {"notes": "ask Mika"},
    "a title": {"title": "The alley"},
    "how important it is": {"priority": 5},
    "parameters of a template": {"parameters": {"still": {"steps": 3}}},
    "a transition": {"transition": "fade"},
}


@pytest.mark.parametrize("fields", NOT_DRAWN.values(), ids=NOT_DRAWN.keys())
def test_a_panel_does_not_change_with(fields):
    assert digest(panel(**fields)) == digest(panel())


def test_other_words_for_a_person_or_a_place_change_no_panel():
    other = world(characters=({**AKI, "base_prompt": "other", "backstory": "long"},), locations=({**ALLEY, "prompt": "other"},))
    assert digest(panel(made=other)) == digest(panel())


def test_a_project_without_title_is_called_by_its_id():
    assert panel(made=world(title=None))["project"] == {"id": PROJECT["id"], "title": "p"}
