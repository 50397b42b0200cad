"""Characters: pictures, outfits and words reach exactly the shots that show them; sheets come before the stills that read them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.served import ServedComfyUI
from support.workspaces import PROJECT, Workspace, comfyui_config, picture, story

HOME = "projects/demo"
AKI_FILE, PROJECT_FILE, SCENE_FILE = f"{HOME}/aki.yaml", f"{HOME}/project.yaml", f"{HOME}/s01.yaml"
PICTURES = f"{HOME}/references/aki"
AKI = """\
kind: character
id: aki
name: Aki
base_prompt: a girl
versions:
  child: {age: 8}
  adult: {age: 30}
outfits:
  coat: a long coat
expressions:
  smile: smiling
poses:
  walking: {prompt: walking, image: references/skeletons/walking.png}
"""
SCENE = """\
kind: scene
id: s01
phases: [still]
shots:
  - {id: child, seed: 1, characters: [{id: aki, version: child}]}
  - {id: adult, seed: 2, characters: [{id: aki, version: adult}]}
  - {id: coat, seed: 3, characters: [{id: aki, version: adult, outfit: coat}]}
  - {id: smile, seed: 4, characters: [{id: aki, version: adult, expression: smile}]}
  - {id: walk, seed: 5, characters: [{id: aki, version: adult, pose: walking}]}
  - {id: ren, seed: 6, characters: [ren]}
  - {id: words, seed: 7, characters: [{id: aki, version: adult}], templates: {still: noise}}
"""
BASE, ADULT, COAT = f"{PICTURES}/face.png", f"{PICTURES}/adult/face.png", f"{PICTURES}/outfits/coat/back.png"
WALKING, SKELETON = f"{PICTURES}/poses/walking/side.png", f"{HOME}/references/skeletons/walking.png"
ADULTS = {"adult", "coat", "smile", "walk"}


@pytest.fixture
def cast(tmp_path: Path, server: ServedComfyUI) -> Workspace:
    """One character in many ways, another one, and a shot whose template reads no pictures; everything rendered."""
    workspace = story(tmp_path, comfyui_config(server.url))
    workspace.add_template("cast")
    workspace.edit(PROJECT_FILE, "still: noise", "still: cast")
    workspace.write(AKI_FILE, AKI)
    workspace.write(SCENE_FILE, SCENE)
    for seed, path in enumerate((BASE, ADULT, COAT, WALKING, SKELETON, f"{HOME}/references/ren/face.png")):
        workspace.write(path, picture(seed))
    workspace.once()
    return workspace


def still(shot: str) -> str:
    return f"demo/s01/{shot}/still"


def shown(workspace: Workspace, shot: str) -> list[str]:
    """Which pictures a still was drawn from, by the names that its graph knows them by."""
    return [given["name"].removeprefix("koma-input:") for given in workspace.receipt(still(shot))["request"]["inputs"]]


def drops(path: str, seed: int = 99, kind: str = "PNG") -> Callable[[Workspace], None]:
    """Put a picture there, in the place of one of the same name if there is one."""

    def act(workspace: Workspace) -> None:
        workspace.write(path, picture(seed, kind=kind))

    return act


def says(old: str, new: str) -> Callable[[Workspace], None]:
    return lambda workspace: workspace.edit(AKI_FILE, old, new)


def _renames(workspace: Workspace) -> None:
    (workspace.root / ADULT).rename((workspace.root / ADULT).with_name("portrait.png"))


CHANGES = {
    "a picture of a version is replaced by another of the same name": (drops(ADULT), ADULTS),
    "a picture of the character is replaced, which versions without pictures of their own are drawn from": (drops(BASE), {"child"}),
    "a version gets its first picture": (drops(f"{PICTURES}/child/face.png"), {"child"}),
    "a version gets another picture": (drops(f"{PICTURES}/adult/side.png"), ADULTS),
    "a picture of an outfit is replaced": (drops(COAT), {"coat"}),
    "an expression gets a picture": (drops(f"{PICTURES}/expressions/smile/face.png"), {"smile"}),
    "a picture of a pose is replaced": (drops(WALKING), {"walk"}),
    "the skeleton of a pose is drawn anew": (drops(SKELETON), {"walk"}),
    "the words for an outfit change": (says("a long coat", "a short coat"), {"coat"}),
    "the words for an expression change": (says("smile: smiling", "smile: laughing"), {"smile"}),
    "the words for a version change": (says("child: {age: 8}", "child: {age: 9}"), {"child"}),
    "the words for a character change": (says("a girl", "a tall girl"), {*ADULTS, "child", "words"}),
    "a backstory is told": (lambda w: w.append(AKI_FILE, "backstory: Grew up above the print shop.\n"), set()),
    "a picture is saved again with the same pixels": (drops(ADULT, seed=1, kind="WEBP"), set()),
    "the only picture of a version gets another name": (_renames, set()),
    "a picture of nobody is dropped": (drops(f"{HOME}/references/crowd/face.png"), set()),
    "a version that no shot shows gets a picture": (drops(f"{PICTURES}/old/face.png"), set()),
}


@pytest.mark.parametrize(("act", "shots"), CHANGES.values(), ids=CHANGES.keys())
def test_what_renders_again_when(act: Callable[[Workspace], None], shots: set[str], cast: Workspace, server: ServedComfyUI) -> None:
    before = cast.pictures()
    act(cast)
    assert cast.actions() == {still(shot): ("render", "changed") for shot in shots}
    assert all(action["changed"] for action in cast.plan()["actions"])
    cast.once()
    assert sorted(cast.submitted()[7:]) == sorted(map(still, shots))
    after = cast.pictures()
    assert {path for path in after if after[path] != before.get(path)} == {f"{still(shot)}.png" for shot in shots}
    assert cast.actions() == {}
    assert server.prompts == 7 + len(shots)


def test_a_shot_is_drawn_from_the_pictures_of_what_it_shows(cast: Workspace) -> None:
    assert {shot: shown(cast, shot) for shot in ("child", "adult", "coat", "smile", "walk", "ren", "words")} == {
        "child": ["aki.1"],
        "adult": ["aki.1"],
        "coat": ["aki.1", "aki.2"],
        "smile": ["aki.1"],
        "walk": ["aki.1", "aki.2", "aki.pose"],
        "ren": ["ren.1"],
        "words": [],
    }


def test_another_outfit_renders_the_shot_that_puts_it_on_alone(cast: Workspace) -> None:
    cast.edit(SCENE_FILE, "{id: aki, version: adult, expression: smile}", "{id: aki, version: adult, expression: smile, outfit: coat}")
    assert cast.actions() == {still("smile"): ("render", "changed")}
    cast.once()
    assert shown(cast, "smile") == ["aki.1", "aki.2"]


def test_a_replaced_picture_is_named_by_the_plan(cast: Workspace) -> None:
    drops(ADULT)(cast)
    action = next(action for action in cast.plan()["actions"] if action["target"] == still("adult"))
    assert [(change["field"], change["file"]) for change in action["changed"]] == [("inputs.aki.1", ADULT)]


SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="600" height="600"/>\n'
HUGE = b"\x89PNG\r\n\x1a\n" + bytes.fromhex("0000000d49484452" + "00009c40" + "00009c40" + "0802000000" + "9c10f1bb")
REFUSED = {
    "is smaller than 512 px": (picture(50, side=511), "refused-reference", "511"),
    "is the same as one that is there": (picture(1, kind="WEBP"), "refused-reference", "face.png"),
    "is an SVG drawing with another name": (SVG, "unreadable-image", "SVG"),
    "announces 40,000 x 40,000 pixels": (HUGE, "unreadable-image", "40000 x 40000"),
}


@pytest.mark.parametrize(("content", "code", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_a_picture_is_refused_that(content: bytes, code: str, says: str, cast: Workspace) -> None:
    name = f"{PICTURES}/adult/other.png"
    cast.write(name, content)
    told = [problem for problem in cast.plan()["problems"] if problem["file"] == name]
    assert [problem["code"] for problem in told] == [code]
    assert says in told[0]["message"]
    assert told[0]["hint"]
    assert cast.actions() == {}
    drops(f"{PICTURES}/adult/side.png")(cast)
    assert set(cast.actions()) == {still(shot) for shot in ADULTS}
    cast.once()
    assert shown(cast, "adult") == ["aki.1", "aki.2"]
    refused = json.loads(cast.output("demo/characters/aki/adult/identity", ".json").read_text())["refused"]
    assert [entry["path"] for entry in refused] == [name]
    assert says in refused[0]["why"]


# -- sheets -------------------------------------------------------------------------------------------------------------

POSES = ("front", "side", "back", "three-quarter", "sitting", "walking", "action", "close-up")
SMALL = "parameters: {posed: {width: 64, height: 64}}\ntakes: {still: 1}\n"
SHEETED = "  - {id: read, seed: 1, characters: [{id: aki, version: adult}], templates: {still: sheeted}}\n"
FREE = "  - {id: free, seed: 2, characters: [{id: aki, version: adult}]}\n"
SHEET = "demo/characters/aki/adult"


@pytest.fixture
def sheet(tmp_path: Path, server: ServedComfyUI) -> Workspace:
    """A character with a sheet of one version, a still that reads it, and one that does not; nothing rendered."""
    workspace = story(tmp_path, comfyui_config(server.url))
    workspace.add_template("posed", "sheeted")
    workspace.write(PROJECT_FILE, PROJECT + SMALL)
    workspace.write(AKI_FILE, AKI.partition("outfits:")[0].replace("  child: {age: 8}\n", "") + "sheet: {template: posed}\n")
    workspace.write(SCENE_FILE, "kind: scene\nid: s01\nphases: [still]\nshots:\n" + SHEETED + FREE)
    workspace.write(f"{PICTURES}/adult/face.png", picture(1))
    return workspace


def spoils(*poses: str) -> Callable[[Any], bool]:
    """Whether a graph is one of these poses of the sheet, by the words for it."""
    words = {"front": "front view", "sitting": "sheet, sitting", "action": "dynamic action pose", "back": "back view"}
    return lambda graph: any(words[pose] in json.dumps(graph) for pose in poses)


def test_the_sheet_is_drawn_before_the_stills_that_read_it(sheet: Workspace, server: ServedComfyUI) -> None:
    planned = sheet.plan()["actions"]
    assert {action["target"] for action in planned} == {*(f"{SHEET}/{pose}" for pose in POSES), still("read"), still("free")}
    sheet.once()
    done = sheet.submitted()
    assert {done.index(f"{SHEET}/{pose}") < done.index(still("read")) for pose in POSES} == {True}
    assert shown(sheet, "read") == ["aki.sheet.front"]
    assert server.prompts == 10
    assert sheet.actions() == {}


def test_every_version_gets_a_sheet(sheet: Workspace) -> None:
    sheet.edit(AKI_FILE, "versions:\n", "versions:\n  child: {age: 8}\n")
    sheet.edit(AKI_FILE, "sheet: {template: posed}", "sheet: {template: posed, poses: [front, back]}")
    sheet.write(f"{PICTURES}/face.png", picture(2))
    targets = {action["target"] for action in sheet.plan()["actions"] if "/characters/" in action["target"]}
    assert targets == {f"demo/characters/aki/{version}/{pose}" for version in ("adult", "child") for pose in ("front", "back")}


def test_seven_of_eight_poses_are_enough(sheet: Workspace, server: ServedComfyUI) -> None:
    server.spoils = spoils("action")
    sheet.once(code=3)
    assert sheet.verdict(still("read")) == "passed"
    assert sheet.actions() == {f"{SHEET}/action": ("hold", "gate-failed")}


def test_six_of_eight_poses_hold_the_stills_that_read_the_sheet_and_status_says_so(sheet: Workspace, server: ServedComfyUI) -> None:
    server.spoils = spoils("action", "sitting")
    sheet.once(code=3)
    assert server.prompts == 9
    assert sheet.actions()[still("read")] == ("hold", "phase-closed")
    assert sheet.verdict(still("free")) == "passed"
    status = sheet.koma("status").out
    assert "6 of 8 sheet poses passed, 7 are needed" in status
    rate = next(rate for rate in sheet.koma("status", "--json").json["phases"] if rate["phase"] == "sheet")
    assert (rate["scope"], rate["passed"], rate["wanted"], rate["open"]) == (SHEET, 6, 8, False)
    assert set(rate["missing"]) == {f"{SHEET}/action", f"{SHEET}/sitting"}

    server.spoils = spoils("action")
    sheet.koma("retry", f"{SHEET}/sitting")
    sheet.once(code=3)
    assert sheet.verdict(still("read")) == "passed"


def test_a_pose_that_a_person_approves_counts(sheet: Workspace, server: ServedComfyUI) -> None:
    server.spoils = spoils("action", "sitting")
    sheet.once(code=3)
    assert sheet.koma("review", "approve", f"{SHEET}/sitting").code == 0
    sheet.once(code=3)
    assert sheet.verdict(still("read")) == "passed"
    assert server.prompts == 10


def test_a_still_that_shows_a_spoilt_pose_waits_for_that_very_pose(sheet: Workspace, server: ServedComfyUI) -> None:
    server.spoils = spoils("front")
    sheet.once(code=3)
    assert sheet.actions() == {f"{SHEET}/front": ("hold", "gate-failed"), still("read"): ("hold", "waiting")}
    assert f"{SHEET}/front" in sheet.koma("explain", still("read")).out


def test_a_changed_sheet_renders_what_reads_the_pose_that_came_out_different(sheet: Workspace) -> None:
    sheet.once()
    sheet.write(f"{PICTURES}/adult/face.png", picture(3))
    assert set(sheet.actions()) == {*(f"{SHEET}/{pose}" for pose in POSES), still("read")}
    sheet.once()
    assert len(sheet.submitted()) == 19


def test_explain_and_plan_tell_of_a_pose_where_its_values_stand(sheet: Workspace) -> None:
    sheet.once()
    told = sheet.koma("explain", f"{SHEET}/front", "--json").json
    age = next(field for field in told["fields"] if field["field"] == "characters.aki.age")
    line = sheet.read(AKI_FILE).splitlines().index("  adult: {age: 30}") + 1
    assert (age["value"], age["file"], age["line"]) == (30, AKI_FILE, line)
    sheet.edit(AKI_FILE, "{age: 30}", "{age: 31}")
    assert f"characters.aki.age: 30 -> 31  ({AKI_FILE}:{line}:" in sheet.koma("plan", SHEET).out


def test_a_sheet_without_pictures_is_one_mistake_at_its_place(sheet: Workspace, server: ServedComfyUI) -> None:
    (sheet.root / f"{PICTURES}/adult/face.png").unlink()
    line = sheet.read(AKI_FILE).splitlines().index("sheet: {template: posed}") + 1
    found = [problem for problem in sheet.plan()["problems"] if problem["severity"] == "error"]
    assert [(problem["code"], problem["file"], problem["line"]) for problem in found] == [("no-references", AKI_FILE, line)]
    assert "references/aki/adult/" in found[0]["expected"]
    sheet.once(code=1)
    assert server.prompts == 1
    assert sheet.verdict(still("free")) == "passed"
    assert sheet.actions()[still("read")][0] == "hold"


def test_a_character_has_a_record_and_a_page_in_the_outputs(sheet: Workspace) -> None:
    sheet.once()
    home = sheet.root / "outputs/demo/characters"
    record = json.loads((home / "aki/adult/identity.json").read_text())
    assert [entry["path"] for entry in record["images"]] == [f"{PICTURES}/adult/face.png"]
    page = (home / "aki/index.html").read_text()
    assert "Aki" in page
    for pose in POSES:
        assert f"adult/{pose}.png" in page
    assert "aki/index.html" in (home / "index.html").read_text()
    links = re.findall(r'(?:src|href)="(?!data:)([^"]*)"', page)
    assert [link for link in links if not (home / "aki" / link).is_file()] == []
