"""Identity records: pictures, colours and marks of one version, with the definition of everything that is measured."""

import math

import pytest

from koma.core.cast import resolve_character
from koma.core.faces import FaceMarks, Looking, in_words, mean_of
from koma.core.identity import DEFINITIONS, Marks, Shade, difference, identity_record, merged_shades, style_of
from koma.core.references import sort_out
from koma.core.world import Reference
from support.worlds import hexed, world

LABS = {"#101010": (5.0, 0.0, 0.0), "#2244cc": (35.0, 40.0, -70.0)}


def picture(name, width=640, **fields):
    return Reference(f"projects/p/references/aki/{name}.png", hexed(f"{name} file"), hexed(f"{name} pixels"), "", width, 640, **fields)


def marks(*shades, **values):
    return Marks(tuple(shades), **{"line_density": 0.1, "saturation": 0.5, "contrast": 0.2, "flat_regions": 10.0, **values})


INK, SKY, NIGHT = Shade("#101010", (5.0, 0.0, 0.0), 0.7), Shade("#88aaff", (70.0, 10.0, -45.0), 0.3), Shade("#141414", (7.0, 1.0, 1.0), 0.4)


def record(*pictures, overlays=None, seen=None, version="base", **faces):
    who = resolve_character(world(), {"id": "aki"})
    used = sort_out([("", one) for one in pictures])
    return identity_record(who, version, [used], overlays or {}, seen or {}, LABS.__getitem__, **faces)


def test_a_record_as_somebody_last_read_it():
    one, small = picture("one"), picture("small", width=300)
    found = record(one, small, overlays={"outfits/coat": sort_out([("", picture("coat"))])}, seen={one.content_digest: marks(INK, SKY)})
    described = {key: value for key, value in found.items() if key not in ("style", "digest")}
    assert described == {
        "format_version": 1,
        "character": "aki",
        "name": "Aki",
        "version": "base",
        "images": [
            {
                "path": one.path,
                "content_digest": one.content_digest,
                "file_digest": one.file_digest,
                "width": 640,
                "height": 640,
            }
        ],
        "refused": [
            {
                "path": small.path,
                "reason": "small",
                "why": "it is 300 x 640 px, and a reference needs 512 px on its shorter side",
                "listed": "",
            }
        ],
        "overlays": {
            "outfits/coat": {
                "images": [
                    {
                        "path": picture("coat").path,
                        "content_digest": picture("coat").content_digest,
                        "file_digest": picture("coat").file_digest,
                        "width": 640,
                        "height": 640,
                    }
                ],
                "refused": [],
            }
        },
        "palette": {
            "definition": "CIE 1976 L*a*b* of sRGB, white D65; difference: the distance in it to the nearest colour of the pictures",
            "slots": {
                "eyes": {"colour": "#2244cc", "lab": [35.0, 40.0, -70.0], "nearest": "#88aaff", "difference": 52.4},
                "hair": {"colour": "#101010", "lab": [5.0, 0.0, 0.0], "nearest": "#101010", "difference": 0.0},
            },
            "measured": [
                {"colour": "#101010", "lab": [5.0, 0.0, 0.0], "share": 0.7},
                {"colour": "#88aaff", "lab": [70.0, 10.0, -45.0], "share": 0.3},
            ],
        },
        "faces": {"counted": False, "why": "not looked for"},
        "embeddings": {
            "face": None,
            "image": None,
            "why": "not looked for; of whole pictures: not made: metrics compare with the pictures themselves",
        },
    }


def test_every_style_marker_has_a_value_a_unit_and_a_definition():
    found = style_of([marks(line_density=0.1), marks(line_density=0.3)], 3)
    assert (found["measured"], found["of"], found["line_density"]["value"]) == (2, 3, 0.2)
    assert all(found[name]["unit"] and found[name]["definition"] for name in DEFINITIONS)


def test_what_nobody_measured_is_null():
    found = record(picture("one"))
    assert {found["style"][name]["value"] for name in DEFINITIONS} == {None}
    assert found["palette"]["measured"] == []
    assert found["palette"]["slots"]["hair"] == {"colour": "#101010", "lab": [5.0, 0.0, 0.0]}


WEIGHTS = (
    {"name": "face-detector", "sha256": "d" * 64, "licence": "MIT"},
    {"name": "face-recogniser", "sha256": "e" * 64, "licence": "MIT"},
)
SOMEBODY = Looking(WEIGHTS, "")
NORTH, EAST = (0.0, 1.0), (1.0, 0.0)
PEOPLE = {picture("one").content_digest: FaceMarks(1, NORTH), picture("two").content_digest: FaceMarks(3, EAST)}


def test_faces_are_counted_where_somebody_looks_and_refuse_no_picture():
    one, two, unseen = picture("one"), picture("two"), picture("unseen")
    found = record(one, two, unseen, faces=PEOPLE, looking=SOMEBODY)
    assert [image["path"] for image in found["images"]] == [one.path, two.path, unseen.path]
    faces = found["faces"]
    assert (faces["counted"], faces["measured"], faces["of"]) == (True, 2, 3)
    assert faces["pictures"] == {one.path: 1, two.path: 3}
    assert faces["notes"] == [
        {"path": two.path, "note": "it shows 3 faces, and a reference should show one: cut out the one that is meant"}
    ]
    assert faces["weights"] == list(WEIGHTS)


def test_the_face_is_the_mean_of_the_largest_faces():
    face = record(picture("one"), picture("two"), faces=PEOPLE, looking=SOMEBODY)["embeddings"]["face"]
    assert (face["mean"], face["of"], face["weights"]) == ([0.7071, 0.7071], 2, list(WEIGHTS))


def test_pictures_without_a_face_have_no_mean_and_say_so():
    one = picture("one")
    found = record(one, faces={one.content_digest: FaceMarks(0, ())}, looking=SOMEBODY)
    assert found["embeddings"]["face"] is None
    assert found["faces"]["notes"] == [{"path": one.path, "note": "the face detector finds no face in it"}]


def test_who_looks_for_faces_changes_no_digest():
    one = picture("one")
    assert record(one)["digest"] == record(one, faces=PEOPLE, looking=SOMEBODY)["digest"]


MEANS = {
    "none": ([], []),
    "one, rounded": ([(0.6, 0.80004)], [0.6, 0.8]),
    "two that cancel each other out": ([NORTH, (0.0, -1.0)], []),
    "two that are equal": ([EAST, EAST], [1.0, 0.0]),
    "one that holds no number": ([(math.nan, 1.0)], []),
}


@pytest.mark.parametrize(("embeddings", "expected"), MEANS.values(), ids=MEANS.keys())
def test_a_mean_is_a_direction_or_nothing(embeddings, expected):
    assert mean_of(embeddings) == expected


IN_WORDS = {
    "nobody looked": (record(picture("one")), [("faces", ""), ("embeddings", "")]),
    "nothing was looked at yet": (record(picture("one"), looking=SOMEBODY), [("faces", "none looked at"), ("embeddings", "")]),
    "faces were found": (
        record(picture("one"), picture("two"), faces=PEOPLE, looking=SOMEBODY),
        [("faces", "1, 3 in 2 of 2 pictures"), ("embeddings", "of the face, from 2 pictures")],
    ),
}


@pytest.mark.parametrize(("found", "expected"), IN_WORDS.values(), ids=IN_WORDS.keys())
def test_a_page_says_what_is_known_of_faces(found, expected):
    lines = in_words(found)
    assert [(line["name"], line["value"]) for line in lines] == expected
    assert all(line["about"] for line in lines)


def test_the_key_of_a_finding_is_its_models():
    assert Looking(why="no").key == ""
    assert SOMEBODY.key != Looking((WEIGHTS[0],), "").key


def test_faces_survive_the_cache():
    assert FaceMarks.from_json(FaceMarks(2, NORTH).to_json()) == FaceMarks(2, NORTH)


@pytest.mark.parametrize("data", [{}, {"number": "two", "embedding": []}, {"number": 1, "embedding": [None]}])
def test_what_is_no_finding_is_refused(data):
    with pytest.raises((LookupError, TypeError, ValueError)):
        FaceMarks.from_json(data)


BASE = record(picture("one"))
SAME = {
    "the same picture under another name": (record(picture("one")._replace(path="elsewhere.png")), True),
    "a picture that is refused": (record(picture("one"), picture("two", width=9)), True),
    "a picture of an outfit": (record(picture("one"), overlays={"outfits/coat": sort_out([("", picture("coat"))])}), True),
    "one more picture": (record(picture("one"), picture("two")), False),
    "another picture": (record(picture("two")), False),
    "another version": (record(picture("one"), version="child"), False),
    "what was measured meanwhile": (record(picture("one"), seen={picture("one").content_digest: marks(INK)}), False),
}


@pytest.mark.parametrize(("other", "same"), SAME.values(), ids=SAME.keys())
def test_the_digest_covers_what_is_seen(other, same):
    assert (other["digest"] == BASE["digest"]) is same


MERGES = {
    "one picture": ([marks(INK, SKY)], [("#101010", 0.7), ("#88aaff", 0.3)]),
    "near colours of two pictures are one": ([marks(INK), marks(NIGHT)], [("#101010", 0.55)]),
    "colours far apart stay apart": ([marks(INK), marks(SKY)], [("#101010", 0.35), ("#88aaff", 0.15)]),
    "no picture": ([], []),
}


@pytest.mark.parametrize(("seen", "expected"), MERGES.values(), ids=MERGES.keys())
def test_colours_of_several_pictures_come_together(seen, expected):
    assert [(shade.colour, pytest.approx(shade.share)) for shade in merged_shades(seen)] == expected


def test_the_difference_of_colours_is_their_distance():
    assert difference((0.0, 3.0, 0.0), (4.0, 0.0, 0.0)) == 5.0


def test_marks_survive_the_cache():
    assert Marks.from_json(marks(INK, SKY).to_json()) == marks(INK, SKY)


@pytest.mark.parametrize("data", [{}, {"shades": [["#101010"]]}, {"shades": 3}, {**marks().to_json(), "contrast": "much"}])
def test_what_is_no_marks_is_refused(data):
    with pytest.raises((LookupError, TypeError, ValueError)):
        Marks.from_json(data)
