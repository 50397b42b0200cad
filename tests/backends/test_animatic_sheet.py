"""Poses of a character sheet: one figure on plain paper, eight poses that nobody takes for one another, and every field seen."""

import itertools

import numpy as np
import pytest

from koma.backends.animatic.colour import darker
from koma.backends.animatic.frame import draw_frame
from koma.backends.animatic.panel import POSES, read_panel
from koma.backends.local.fields import DocumentError
from koma.core.panel import sheet_panel_of
from koma.core.spec import standard
from support.panels import PANEL, reference

SORA = {**PANEL["characters"][0], "traits": {"hair": "short"}}
SIDE = 240
ABOVE = round(SIDE * 0.875)  # the caption lies below


def sheet(pose="front", seed=7, references=None, size=SIDE, **fields):
    return sheet_panel_of({**SORA, **fields}, {"id": "p", "title": "Lantern Street"}, pose, seed, references or {}, size)


def drawn(document, pictures=None):
    return np.asarray(draw_frame(document, pictures or {}, 0))


def ink(picture):
    """Where the figure is: what is not paper, above the caption."""
    return (np.abs(picture[:ABOVE].astype(int) - picture[0, 0].astype(int)) > 60).any(axis=2)


def test_the_poses_that_can_be_drawn_are_those_of_a_sheet():
    assert POSES == standard.POSES


@pytest.mark.parametrize("pose", POSES)
def test_a_pose_is_one_picture_of_a_figure_on_plain_paper(pose):
    picture = drawn(sheet(pose))
    assert picture.shape == (SIDE, SIDE, 3)
    figure = ink(picture)
    assert 0.03 < figure.mean() < 0.6
    assert not figure[:, :6].any()
    assert not figure[:8].any()


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(POSES, 2)), ids=lambda pose: pose)
def test_two_poses_look_different_even_without_their_captions(one, other):
    first, second = ink(drawn(sheet(one))), ink(drawn(sheet(other)))
    apart = np.abs(drawn(sheet(one))[:ABOVE].astype(int) - drawn(sheet(other))[:ABOVE]).max(axis=2) > 40
    assert apart.sum() > 0.15 * (first | second).sum()


def test_the_back_shows_no_face_and_the_side_one_eye():
    eyes = {pose: _eyes(pose) for pose in ("front", "three-quarter", "side", "back")}
    assert eyes["back"] == 0
    assert 0 < eyes["side"] < 0.75 * eyes["front"]
    assert eyes["three-quarter"] > eyes["side"]


def _eyes(pose):
    """Pixels in the colour of the eyes, which nothing else on this sheet has."""
    picture = drawn(sheet(pose, palette={**SORA["palette"], "eyes": "#00ff00"}, size=480))
    figure = picture[:420].astype(int)
    return int(((figure[..., 1] > 200) & (figure[..., 0] < 90) & (figure[..., 2] < 90)).sum())


CHANGES = {
    "the pose": {"pose": "back"},
    "the seed": {"seed": 8},
    "the name": {"name": "Pim"},
    "the version": {"version": "child"},
    "the outfit": {"outfit": "raincoat"},
    "the hair": {"traits": {"hair": "ponytail"}},
    "an expression": {"expression": "angry"},
    "who it is": {"id": "pim", "traits": {}},
    **{f"the colour of the {slot}": {"palette": {**SORA["palette"], slot: "#30c040"}} for slot in SORA["palette"]},
}


@pytest.mark.parametrize("fields", CHANGES.values(), ids=CHANGES)
def test_a_sheet_changes_with(fields):
    assert not np.array_equal(drawn(sheet(**fields)), drawn(sheet()))


def test_a_sheet_shows_its_reference():
    with_reference = drawn(sheet(references={"sora": "reference:sora"}), {"reference:sora": reference("crimson")})
    assert not np.array_equal(with_reference, drawn(sheet()))
    assert not np.array_equal(with_reference, drawn(sheet(references={"sora": "reference:sora"}), {"reference:sora": reference("teal")}))


def near(picture, colour, tolerance=12):
    """Which pixels of the figure have a colour, give or take what the shrinking blurs."""
    above = picture[: round(len(picture) * 0.86)].astype(int)
    return (np.abs(above - colour) < tolerance).all(axis=2)


GREEN = (0, 255, 0)


@pytest.mark.parametrize("hair", ["short", "long", "curly"])
def test_a_hood_hides_the_hair_from_behind_and_leaves_the_fringe_from_the_side(hair):
    fields = {"palette": {**SORA["palette"], "hair": "#00ff00"}, "traits": {"hair": hair}}
    seen = {
        (pose, outfit): near(drawn(sheet(pose, outfit=outfit, **fields)), GREEN)[: round(SIDE * 0.3)].sum()
        for pose in ("side", "back")
        for outfit in ("coat", "raincoat")
    }
    assert seen["back", "raincoat"] == 0 < seen["back", "coat"]
    assert 0 < seen["side", "raincoat"] < 0.5 * seen["side", "coat"]


@pytest.mark.parametrize("pose", ["side", "back"])
def test_pigtails_come_out_through_a_hood(pose):
    fields = {"palette": {**SORA["palette"], "accent": "#00ff00"}, "outfit": "raincoat", "traits": {"hair": "twintails"}}
    ties = near(drawn(sheet(pose, **fields)), GREEN)[: round(SIDE * 0.32)]
    assert ties.any()


ALONG_THE_FRONT = {
    "the buttons of a coat": ("coat", GREEN),
    "the lapel of a robe": ("yukata", GREEN),
    "the sash of a dress": ("dress", GREEN),
    "an apron": ("apron", (246, 236, 217)),
    "the bow of a uniform": ("uniform", GREEN),
    "the cord of a hoodie": ("hoodie", GREEN),
}


@pytest.mark.parametrize(("outfit", "colour"), ALONG_THE_FRONT.values(), ids=ALONG_THE_FRONT)
def test_the_side_shows_along_its_front(outfit, colour):
    palette = {**SORA["palette"], "accent": "#00ff00", "outfit": "#b9854f"}
    chest = near(drawn(sheet("side", outfit=outfit, palette=palette, size=480)), colour)[205:295, 252:]
    assert chest.any()  # right of the near arm


def test_the_hands_are_apart_in_three_quarter():
    palette = {**SORA["palette"], "skin": "#00ff00"}
    hands = near(drawn(sheet("three-quarter", palette=palette, size=480)), (0, 255, 0), 60)[260:]
    columns = np.flatnonzero(hands.any(axis=0))
    assert np.diff(columns).max() > 24  # a hand's width


@pytest.mark.parametrize("version", ["adult", "child"])
def test_the_feet_of_someone_who_sits_reach_the_ground(version):
    shoes = darker(GREEN, 0.42)
    palette = {**SORA["palette"], "accent": "#00ff00"}
    soles = [
        np.flatnonzero(near(drawn(sheet(pose, version=version, palette=palette)), shoes).any(axis=1)).max() for pose in ("front", "sitting")
    ]
    assert abs(soles[0] - soles[1]) <= 1


@pytest.mark.parametrize("pose", POSES)
def test_the_caption_shows_a_long_outfit_whole(pose):
    captions = [drawn(sheet(pose, outfit=outfit, size=640))[565:] for outfit in ("lamplighter-coat", "lamplighter-coal")]
    assert not np.array_equal(*captions)


def test_a_caption_that_is_far_too_long_is_shortened_and_leaves_the_colours_alone():
    long, usual = (drawn(sheet("three-quarter", outfit=outfit, size=640))[565:, 480:] for outfit in ("coat" * 40, "coat"))
    assert np.array_equal(long, usual)


def test_a_sheet_is_drawn_alike_each_time_and_in_any_size():
    assert np.array_equal(drawn(sheet("action")), drawn(sheet("action")))
    assert drawn(sheet("side", size=64)).shape == (64, 64, 3)


@pytest.mark.parametrize("hair", ["bald", "twintails", "ponytail", "bun", "braid", "curly", "spiky", "bob", "long", "short"])
def test_every_hair_is_seen_from_the_side_in_a_way_of_its_own(hair):
    others = {"short": "spiky"}.get(hair, "short")
    assert not np.array_equal(drawn(sheet("side", traits={"hair": hair})), drawn(sheet("side", traits={"hair": others})))


WRONG = {
    "a pose that is none": ({"sheet": "upside-down"}, "sheet: expected one of front, side"),
    "a sheet that moves": ({"phase": "video", "frames": 5}, "phase: expected still"),
    "a sheet of nobody": ({"characters": []}, "characters: expected exactly one"),
    "a sheet of two": ({"characters": [SORA, SORA]}, "characters: expected exactly one"),
}


@pytest.mark.parametrize(("fields", "words"), WRONG.values(), ids=WRONG)
def test_a_mistake_in_a_sheet_is_named_with_its_field(fields, words):
    with pytest.raises(DocumentError, match=words):
        read_panel({**sheet(), **fields})
