"""The panel description of the animatic: what is drawn, and nothing that is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.keys import digest
from koma.core.panel import LONGEST_SIDE, Span, panel_of, panel_size, sheet_panel_of
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


# Parts of clips, and sheets


def part(follows=""):
    made, cut = world(), shot()
    values, span = resolve_shot(made, scene(cut), cut).values, Span(24, 25, 120)
    return panel_of(values, made.project.data, Phase.VIDEO, 7, {}, span=span, follows=follows)


def test_a_part_of_a_clip_says_where_it_lies_and_is_otherwise_as_the_whole():
    made = part()
    assert (made["frames"], made["span"]) == (25, {"start": 24, "of": 120})
    whole = panel()
    assert {**made, "frames": whole["frames"]} == {**whole, "span": made["span"]}


def test_a_part_that_follows_names_its_first_frame_as_requests_name_inputs():
    assert part(follows="last")["follows"] == "koma-input:last"
    assert part(follows="reference:aki")["follows"] == "reference:aki"
    assert "follows" not in part()


def test_the_animatic_phase_looks_at_the_video():
    assert panel(Phase.ANIMATIC) == panel(Phase.VIDEO)
    assert digest(panel(Phase.ANIMATIC)) != digest(panel(Phase.LOOP))


WHO = {"id": "aki", "name": "Aki", "version": "adult", "palette": {"hair": "#203040"}, "traits": {"hair": "bob"}, "backstory": "long"}


def test_a_sheet_holds_the_character_the_pose_and_nothing_of_a_shot():
    made = sheet_panel_of(WHO, {"id": "p"}, "side", 7, {"aki": "reference:aki"})
    assert set(made) == {"format", "phase", "sheet", "project", "width", "height", "frames", "seed", "characters"}
    assert (made["phase"], made["sheet"], made["frames"], made["width"], made["height"]) == ("still", "side", 1, 640, 640)
    (figure,) = made["characters"]
    assert (figure["name"], figure["version"], figure["hair"], figure["reference"]) == ("Aki", "adult", "bob", "reference:aki")


@pytest.mark.parametrize("changed", [{"backstory": "short"}, {"base_prompt": "other"}, {"age": 5}], ids=lambda one: next(iter(one)))
def test_a_sheet_does_not_change_with(changed):
    made, other = (sheet_panel_of(who, {"id": "p"}, "front", 7, {}) for who in (WHO, {**WHO, **changed}))
    assert digest(made) == digest(other)
