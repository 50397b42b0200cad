"""What the pages of characters show: who appears where, which poses passed, and links that hold without a server."""

import pytest

from koma.core.cast import resolve_character
from koma.core.identity import identity_record
from koma.core.pages import NOT_MADE, Appearance, appearances, index_facts, page_facts, rows_by_address, shown_versions
from koma.core.references import looks
from koma.core.rows import Published
from koma.core.world import Reference
from support.worlds import AKI, doc, hexed, merged, scene, shot, world


def picture(name, part="", width=640):
    path = "/".join(filter(None, ("projects/p/references/aki", part, f"{name}.png")))
    return Reference(path, hexed(f"{path} file"), hexed(f"{path} pixels"), "", width, 640)


def studio(*pictures, **fields):
    made = world(characters=(merged(AKI, fields),))
    for part, one in pictures:
        made.references.setdefault(("aki", part), []).append(one)
    return made


def row(target, verdict="passed", suffix=".draft.png"):
    return Published(target, "draft", "t", "k", f"{target}{suffix}", 1, verdict, "m", "r", "c")


def page(made, *rows, shots=()):
    aki = made.characters["aki"]
    records = {}
    for version in shown_versions(made, aki):
        named = "" if version == "base" else version
        who = resolve_character(made, {"id": "aki", "version": named})
        records[version] = identity_record(who, version, looks(made, aki, named), {}, {}, lambda _: (0.0, 0.0, 0.0))
    return page_facts(made, aki, records, {}, shots, rows_by_address(rows))


CHILD, ADULT = {"id": "aki", "version": "child"}, {"id": "aki", "version": "adult", "outfit": "coat"}
CASTS = {
    "named by the shot": ([{**CHILD, "outfit": "coat"}], [], [("aki", "child", "coat")]),
    "of the scene, where the shot names nobody": (None, [{"id": "ren"}], [("ren", "", "")]),
    "of the shot over the scene": ([CHILD], [ADULT], [("aki", "child", "coat")]),
    "nobody, where the shot says so": ([], [{"id": "ren"}], []),
}


@pytest.mark.parametrize(("named", "in_scene", "expected"), CASTS.values(), ids=CASTS.keys())
def test_who_appears_in_a_shot(named, in_scene, expected):
    cut = {key: value for key, value in shot(characters=named).items() if value is not None}
    found = list(appearances("p", scene(cut, characters=in_scene)))
    assert [(one.who, one.version, one.outfit) for one in found] == expected
    assert {one.address for one in found} <= {"p/s01/sh010"}


VERSIONS = {
    "all versions": (studio(), ["child", "adult"]),
    "the character itself, if it has pictures": (studio(("", picture("a"))), ["base", "child", "adult"]),
    "the character itself, if its pictures are refused": (studio(("", picture("a", width=9))), ["base", "child", "adult"]),
    "the character itself, without versions": (studio(versions=None), ["base"]),
}


@pytest.mark.parametrize(("made", "expected"), VERSIONS.values(), ids=VERSIONS.keys())
def test_which_versions_are_shown(made, expected):
    assert shown_versions(made, made.characters["aki"]) == expected


def test_poses_of_a_sheet_come_with_their_verdicts():
    made = studio(sheet={"versions": ["child"], "poses": ["front", "side", "back"]})
    address = "p/characters/aki/child"
    facts = page(made, row(f"{address}/front"), row(f"{address}/side", "failed"), row("p/characters/aki/adult/back"))
    assert [(version["id"], version["sheet"] is None) for version in facts["versions"]] == [("child", False), ("adult", True)]
    assert facts["versions"][0]["sheet"] == {
        "poses": [
            {
                "pose": "front",
                "verdict": "passed",
                "file": "../../characters/aki/child/front.draft.png",
                "image": "../../characters/aki/child/front.draft.jpg",
            },
            {
                "pose": "side",
                "verdict": "failed",
                "file": "../../characters/aki/child/side.draft.png",
                "image": "../../characters/aki/child/side.draft.jpg",
            },
            {"pose": "back", "verdict": NOT_MADE, "file": "", "image": ""},
        ],
        "passed": 1,
        "of": 3,
    }


def test_shots_come_with_what_was_made_of_them():
    shots = [Appearance("aki", "p/s01/sh010", "Rain", "", "coat"), Appearance("aki", "p/s01/sh020", "", "child", "")]
    made = studio(default_version="adult")
    rows = (row("p/s01/sh010/still"), row("p/s01/sh010/video", "failed", ".draft.mp4"), row("p/s01/sh010/video/seg01", suffix=".mp4"))
    first, second = page(made, *rows, shots=shots)["shots"]
    assert first == {
        "address": "s01/sh010",
        "title": "Rain",
        "version": "adult",
        "outfit": "coat",
        "outputs": [
            {"what": "still", "verdict": "passed", "file": "../../s01/sh010/still.draft.png", "image": "../../s01/sh010/still.draft.jpg"},
            {"what": "video", "verdict": "failed", "file": "../../s01/sh010/video.draft.mp4", "image": "../../s01/sh010/video.draft.jpg"},
        ],
    }
    assert (second["version"], second["outputs"]) == ("child", [])


def test_the_list_counts_what_the_pages_show():
    made = studio(
        ("", picture("a")), ("child", picture("b", "child")), ("child", picture("c", "child", width=9)), sheet={"versions": ["child"]}
    )
    facts = page(made, row("p/characters/aki/child/front"), shots=[Appearance("aki", "p/s01/sh010", "", "", "")])
    (line,) = index_facts(facts["project"], [facts])["characters"]
    assert line == {
        "id": "aki",
        "name": "Aki",
        "small": "",
        "versions": ["base", "child", "adult"],
        "used": 2,
        "refused": 1,
        "passed": 1,
        "of": 8,
        "shots": 1,
    }
    assert facts["project"] == {"id": "p", "title": "Lantern Street"}


def test_a_character_is_described_by_what_its_document_says():
    told = merged(AKI, {"role": "courier", "backstory": "was late", "versions": {"child": {"emotional_state": "proud"}}})
    facts = page(world(characters=(told,)))
    assert facts["about"] == [("role", "courier"), ("backstory", "was late")]
    assert facts["versions"][0]["about"] == [("age", "8"), ("state", "proud")]
    assert doc(told).id == facts["id"]
