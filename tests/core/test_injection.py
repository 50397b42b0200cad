"""What a graph gets of the characters of a shot: the same for every template, and only what the shot reads."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.injection import Box, in_picture_order, inject, pose_boxes, regions_of
from koma.core.problem import Severity
from koma.core.resolve import resolve_shot
from koma.core.template import CharacterNeeds
from koma.core.world import Reference
from support.worlds import AKI, REN, hexed, merged, scene, shot, template, world

ALL = CharacterNeeds(max=2, references=4, sheet=("front",), poses=True)


def picture(path, problem="", width=600, height=800):
    return Reference(f"projects/p/references/{path}", hexed(path), "" if problem else hexed(f"{path} pixels"), problem, width, height)


def studio(*paths, characters=(AKI, REN), **sizes):
    """World with these pictures below references/."""
    made = world(characters=characters)
    for path in paths:
        who, _, part = path.rpartition("/")[0].partition("/")
        made.references.setdefault((who, part), []).append(picture(path, **sizes))
    return made


def injected(made, *cast, needs=ALL, **fields):
    cut = shot(characters=list(cast) or [{"id": "aki"}], **fields)
    return inject(made, resolve_shot(made, scene(), cut).values, template(characters=needs).manifest, 1024, 576)


def test_a_template_that_takes_no_characters_gets_none():
    assert injected(studio("aki/a.png"), needs=None) == ([], (), (), (), ())


def test_a_shot_without_characters_has_none():
    cut = shot(characters=[])
    made = studio("aki/a.png")
    assert inject(made, resolve_shot(made, scene(), cut).values, template(characters=ALL).manifest, 64, 64).characters == []


def test_one_character_gets_everything_that_is_known_of_it():
    aki = merged(AKI, {"sheet": {}, "references": {"weight": 0.9}, "poses": {"walking": {"image": "references/bones/walk.png"}}})
    made = studio("aki/child/a.png", "aki/outfits/coat/b.png", "bones/walk.png", characters=(aki,))
    cast = {"id": "aki", "version": "child", "outfit": "coat", "expression": "smile", "pose": "walking"}
    found = injected(made, cast, framing="full")
    (entry,) = found.characters
    assert entry.pop("prompt").startswith("small girl, 8 years old")
    assert entry == {
        "id": "aki",
        "name": "Aki",
        "version": "child",
        "negative": "teeth",
        "weight": 0.9,
        "references": ["koma-input:aki.1", "koma-input:aki.2"],
        "sheet": ["koma-input:aki.sheet.front"],
        "region": {"x": 0, "y": 0, "width": 1024, "height": 576},
        # 0.95 of the canvas for a height of 1.0, and she is 0.6; the picture is 600 x 800.
        "pose": {"image": "koma-input:aki.pose", "x": 389, "y": 248, "width": 246, "height": 328},
    }
    assert [(given.name, given.content_digest) for given in found.inputs] == [
        ("aki.1", hexed("aki/child/a.png pixels")),
        ("aki.2", hexed("aki/outfits/coat/b.png pixels")),
        ("aki.pose", hexed("bones/walk.png pixels")),
    ]
    assert found.reads == (("aki.sheet.front", "p/characters/aki/child/front", ""),)
    assert found.sheets == ("p/characters/aki/child",)
    assert found.problems == ()


def test_every_name_in_the_parameter_is_a_picture_that_is_read():
    made = studio("aki/a.png", "ren/b.png", characters=(merged(AKI, {"sheet": {"versions": ["base"]}}), REN))
    found = injected(made, {"id": "aki"}, {"id": "ren"})
    named = [name for entry in found.characters for name in (*entry["references"], *entry["sheet"])]
    assert {name.removeprefix("koma-input:") for name in named} == {row.name for row in (*found.inputs, *found.reads)}
    assert len(named) == 3


ORDERS = {
    "as they stand": ([("a", "right"), ("b", "left")], "ba"),
    "far ones outside": ([("a", "far-right"), ("b", "right"), ("c", "center"), ("d", "left"), ("e", "far-left")], "edcba"),
    "as they are named, at the same place": ([("a", "center"), ("b", "background"), ("c", "center")], "abc"),
}


@pytest.mark.parametrize(("cast", "expected"), ORDERS.values(), ids=ORDERS.keys())
def test_characters_come_from_left_to_right(cast, expected):
    ordered = in_picture_order([{"id": name, "position": position} for name, position in cast])
    assert "".join(who["id"] for who in ordered) == expected


def test_two_characters_share_the_picture():
    found = injected(studio("aki/a.png", "ren/b.png"), {"id": "aki", "position": "right"}, {"id": "ren", "position": "left"})
    assert [(entry["id"], entry["region"]["x"], entry["region"]["width"]) for entry in found.characters] == [
        ("ren", 0, 512),
        ("aki", 512, 512),
    ]


def test_who_is_one_too_many_is_told_in_words_only():
    made = studio("aki/a.png", "ren/b.png")
    found = injected(made, {"id": "aki"}, {"id": "ren"}, needs=CharacterNeeds(max=1, references=2))
    assert [entry["id"] for entry in found.characters] == ["aki"]
    assert [given.name for given in found.inputs] == ["aki.1"]
    (problem,) = found.problems
    assert (problem.code, problem.severity, problem.path) == ("too-many-characters", Severity.WARNING, "characters")
    assert "ren will be told in words only" in problem.message


NEEDS = {
    "no references": (CharacterNeeds(max=1, references=0), []),
    "fewer references than there are": (CharacterNeeds(max=1, references=1), ["aki.1"]),
    "no pose pictures": (CharacterNeeds(max=1, references=2), ["aki.1", "aki.2"]),
}


@pytest.mark.parametrize(("needs", "expected"), NEEDS.values(), ids=NEEDS.keys())
def test_a_template_gets_no_more_than_it_takes(needs, expected):
    aki = merged(AKI, {"sheet": {}, "poses": {"walking": {"image": "references/bones/walk.png"}}})
    made = studio("aki/a.png", "aki/b.png", "bones/walk.png", characters=(aki,))
    found = injected(made, {"id": "aki", "pose": "walking", "version": "adult"}, needs=needs)
    assert [given.name for given in found.inputs] == expected
    assert (found.reads, found.sheets, found.characters[0]["pose"]) == ((), (), None)


SHEETS = {
    "of this version": ({"versions": ["child"]}, "child", 1),
    "not of this version": ({"versions": ["adult"]}, "child", 0),
    "of all versions": ({}, "adult", 1),
    "not of who has no version, where there are versions": ({}, "", 0),
    "of who has no version, where it is asked for": ({"versions": ["base"]}, "", 1),
    "without the pose that the template reads": ({"poses": ["back"]}, "child", 0),
    "none": (None, "child", 0),
}


@pytest.mark.parametrize(("sheet", "version", "count"), SHEETS.values(), ids=SHEETS.keys())
def test_a_sheet_is_read_where_there_is_one(sheet, version, count):
    made = studio("aki/a.png", characters=(merged(AKI, {"sheet": sheet}),))
    found = injected(made, {"id": "aki", **({"version": version} if version else {})})
    assert len(found.reads) == len(found.characters[0]["sheet"]) == len(found.sheets) == count


WEIGHTS = {
    "as nobody says": ({}, 0.6),
    "as the character says": ({"references": {"weight": 0.5}}, 0.5),
    "as the version says": ({"references": {"weight": 0.5}, "versions": {"child": {"references": {"weight": 0.4}}}}, 0.4),
    "as the pose says": (
        {"outfits": {"coat": {"references": {"weight": 0.4}}}, "poses": {"walking": {"references": {"weight": 0.3}}}},
        0.3,
    ),
    "as the outfit says": (
        {"versions": {"child": {"references": {"weight": 0.4}}}, "outfits": {"coat": {"references": {"weight": 0.0}}}},
        0.0,
    ),
}


@pytest.mark.parametrize(("fields", "expected"), WEIGHTS.values(), ids=WEIGHTS.keys())
def test_pictures_count_as_the_narrowest_says(fields, expected):
    made = studio("aki/a.png", characters=(merged(AKI, fields),))
    assert injected(made, {"id": "aki", "version": "child", "outfit": "coat", "pose": "walking"}).characters[0]["weight"] == expected


def test_a_dropped_picture_that_is_too_small_is_left_out_with_a_warning():
    found = injected(studio("aki/a.png", width=100, height=100))
    assert found.characters[0]["references"] == []
    assert [(problem.code, problem.severity) for problem in found.problems] == [("refused-reference", Severity.WARNING)]


def test_a_listed_picture_that_is_too_small_is_an_error():
    listed = merged(AKI, {"references": {"files": ["references/aki/a.png"]}})
    found = injected(studio("aki/a.png", characters=(listed,), width=100, height=100))
    assert [(problem.severity, problem.place.file) for problem in found.problems] == [(Severity.ERROR, "projects/p/references/aki/a.png")]


BLOCKING = {
    "a pointer": ("git-lfs-pointer", {}),
    "a listed picture that can't be decoded": ("cut short", {"references": {"files": ["references/aki/a.png"]}}),
}


@pytest.mark.parametrize(("problem", "fields"), BLOCKING.values(), ids=BLOCKING.keys())
def test_what_can_not_be_done_without_holds_the_shot(problem, fields):
    found = injected(studio("aki/a.png", characters=(merged(AKI, fields),), problem=problem))
    assert [given.unusable for given in found.inputs] == [True]


def test_a_pose_picture_that_can_not_be_decoded_holds_the_shot():
    aki = merged(AKI, {"poses": {"walking": {"image": "references/bones/walk.png"}}})
    found = injected(studio("bones/walk.png", characters=(aki,), problem="cut short"), {"id": "aki", "pose": "walking"})
    assert [given.unusable for given in found.inputs] == [True]


CHANGES = {
    "a picture of the outfit that is worn": ("aki/outfits/coat/new.png", True),
    "a picture of another outfit": ("aki/outfits/yukata/new.png", False),
    "a picture of this version": ("aki/child/new.png", True),
    "a picture of another version": ("aki/adult/new.png", False),
    "a picture of the character, where the version has its own": ("aki/new.png", False),
    "a picture of this expression": ("aki/expressions/smile/new.png", True),
    "a picture of another expression": ("aki/expressions/grin/new.png", False),
    "a picture of somebody else": ("ren/new.png", False),
}


@pytest.mark.parametrize(("added", "changes"), CHANGES.values(), ids=CHANGES.keys())
def test_only_what_a_shot_reads_changes_it(added, changes):
    cast = {"id": "aki", "version": "child", "outfit": "coat", "expression": "smile"}
    before, after = studio("aki/child/a.png"), studio("aki/child/a.png", added)
    assert (injected(before, cast) != injected(after, cast)) is changes


def test_a_backstory_changes_nothing():
    before, after = studio("aki/a.png"), studio("aki/a.png", characters=(merged(AKI, {"backstory": "was late"}), REN))
    assert injected(before) == injected(after)


SIDES = st.integers(1, 4096)


@given(count=st.integers(1, 9), width=st.integers(9, 4096), height=SIDES)
def test_regions_tile_the_picture(count, width, height):
    boxes = regions_of(count, width, height)
    assert len(boxes) == count
    assert (boxes[0].x, boxes[-1].x + boxes[-1].width) == (0, width)
    assert all(one.x + one.width == other.x for one, other in pairwise(boxes))
    assert all(box.width > 0 and (box.y, box.height) == (0, height) for box in boxes)


@given(width=st.integers(8, 512), count=st.integers(1, 8))
def test_regions_split_where_a_latent_picture_can_be_split(width, count):
    assert all(box.x % 8 == 0 for box in regions_of(count, width * 8, 64))


FRAMINGS = st.sampled_from(["extreme-wide", "wide", "full", "medium", "close-up", "insert"])
FIGURES = st.lists(st.none() | st.tuples(st.floats(0.3, 3), st.floats(0.05, 5)), min_size=1, max_size=5)


@given(figures=FIGURES, width=st.integers(64, 2048), height=st.integers(64, 2048), framing=FRAMINGS)
def test_poses_stay_in_their_regions_with_their_feet_on_the_ground(figures, width, height, framing):
    regions = regions_of(len(figures), width, height)
    for figure, region, box in zip(figures, regions, pose_boxes(figures, regions, framing, height), strict=True):
        if figure is None:
            assert box is None
            continue
        assert region.x <= box.x
        assert box.x + box.width <= region.x + region.width
        assert box.y >= 0
        assert box.y + box.height == height
        assert min(box.width, box.height) >= 1


@given(tall=st.floats(0.5, 2), small=st.floats(0.3, 1), framing=FRAMINGS)
def test_figures_keep_their_proportions_to_each_other(tall, small, framing):
    boxes = pose_boxes([(tall, 0.5), (small, 0.5)], regions_of(2, 2048, 1024), framing, 1024)
    assert boxes[0].height / boxes[1].height == pytest.approx(tall / small, rel=0.02)


def test_a_character_of_height_one_fills_the_canvas_from_the_medium_shot_on():
    assert pose_boxes([(1.0, 0.5)], [Box(0, 0, 512, 512)], "medium", 512) == [Box(128, 0, 256, 512)]
