"""`koma explain` tells the full story of one target, with the place of every value; `--bundle` packs it without secrets."""

import json
import zipfile

import pytest

from koma.cli.advice import ADVICE, meaning, what_to_do
from koma.core.words import Reason
from support.workspaces import ADULT, ALL, STILL, VIDEO, Workspace

SCENE, AKI_FILE, PROJECT_FILE = "projects/demo/s01.yaml", "projects/demo/aki.yaml", "projects/demo/project.yaml"


def story(workspace: Workspace, target: str, *args: str):
    return workspace.koma("explain", target, "--json", *args).json


def places(facts) -> dict[str, tuple[object, str]]:
    """Field → (value, file:line)."""
    return {f["field"]: (f["value"], f"{f['file']}:{f['line']}" if f["file"] else "") for f in facts["fields"]}


def test_a_target_that_is_as_wanted_is_ready(once_rendered):
    facts = story(once_rendered, STILL)
    assert (facts["format_version"], facts["target"], facts["state"], facts["action"], facts["reason"]) == (
        1,
        STILL,
        "Ready",
        "keep",
        "current",
    )
    assert facts["published"] == {"path": f"{STILL}.png", "verdict": "passed", "missing": False}
    assert facts["do"] == ""


def test_every_value_names_the_line_it_stands_on(once_rendered):
    found = places(story(once_rendered, STILL))
    lines = {file: once_rendered.read(file).splitlines() for file in (SCENE, AKI_FILE, PROJECT_FILE)}

    def line(file: str, text: str) -> str:
        return f"{file}:{next(n for n, line in enumerate(lines[file], 1) if text in line)}"

    assert found["framing"] == ("wide", line(SCENE, "framing: wide"))
    assert found["seed"] == (7, line(SCENE, "seed: 7"))
    assert found["dialogue.l1.text"] == ("hi", line(SCENE, "text: hi"))
    assert found["time"] == ("night", line(SCENE, "time: night"))
    assert found["width"] == (64, line(PROJECT_FILE, "width: 64"))
    assert found["characters.aki.palette.hair"] == ("#6e4628", line(AKI_FILE, "#6e4628"))  # the version's
    assert found["characters.aki.palette.eyes"] == ("#ffbe3c", line(AKI_FILE, "#ffbe3c"))  # the character's
    assert found["characters.aki.age"] == (8, line(AKI_FILE, "age: 8"))
    assert found["angle"] == ("eye", "")
    assert found["template.noise"][1] == line(PROJECT_FILE, "templates:")


OWNERS = {
    "in the template": ("", "templates/noise/template.yaml:0"),
    "in the project": (PROJECT_FILE, "{file}:{line}"),
    "in the shot": (SCENE, "{file}:{line}"),
}


@pytest.mark.parametrize(("file", "place"), OWNERS.values(), ids=OWNERS.keys())
def test_a_parameter_names_who_set_it(workspace, file, place):
    workspace.edit("templates/noise/template.yaml", "parameters:\n", "parameters:\n  grain: {type: int, default: 3, description: Grain.}\n")
    workspace.edit("templates/noise/graph.json.j2", '"strength": 0.5', '"strength": {{ grain / 10 }}')
    text = "\nparameters: {noise: {grain: 4}}\n" if file == PROJECT_FILE else ""
    if file == SCENE:
        workspace.edit(SCENE, "    seed: 7\n", "    seed: 7\n    parameters: {noise: {grain: 4}}\n")
    elif file:
        workspace.append(file, text)
    line = next((n for n, row in enumerate(workspace.read(file).splitlines(), 1) if "grain" in row), 0) if file else 0
    value, where = places(story(workspace, STILL, "--rendition", "final"))["parameters.grain"]
    assert (value, where) == (4 if file else 3, place.format(file=file, line=line))


def test_neighbours_are_named_with_their_state(once_rendered):
    still, video = story(once_rendered, STILL), story(once_rendered, VIDEO)
    assert still["downstream"] == [{"target": VIDEO, "state": "Ready", "reason": "current"}]
    assert video["upstream"] == [{"target": STILL, "state": "Ready", "reason": "current"}]
    (given,) = video["inputs"]
    assert given["from"] == STILL
    assert given["content_digest"] == once_rendered.receipt(STILL)["artifacts"][0]["content_digest"]


def test_takes_tell_seed_verdict_and_every_check(once_rendered):
    (take,) = story(once_rendered, STILL)["takes"]
    assert (take["number"], take["seed"], take["verdict"], take["published"], take["wanted"]) == (1, 7, "passed", True, True)
    assert {check["metric"] for check in take["checks"]} >= {"decodes", "width", "height"}
    assert all(check["message"] for check in take["checks"])


def test_what_changed_is_told_with_old_and_new_value(rendered):
    rendered.edit(SCENE, "seed: 7", "seed: 8")
    facts = story(rendered, STILL)
    assert (facts["state"], facts["action"], facts["reason"]) == ("Reconciling", "render", "changed")
    (change,) = facts["changed"]
    assert (change["field"], change["old"], change["new"], change["file"]) == ("seed", 7, 8, SCENE)
    text = rendered.koma("explain", STILL).out
    assert f"seed: 7 -> 8  ({SCENE}:{change['line']}:{change['column']})" in text
    assert "take 1: passed, seed 7" in text
    assert "of an earlier version" in text


def test_a_blocked_target_names_the_error(rendered):
    rendered.edit(SCENE, "{id: aki, version: child}", "{id: aky, version: child}")
    facts = story(rendered, STILL)
    assert (facts["state"], facts["reason"], facts["do"]) == ("Stalled", "blocked", "koma check")
    assert ["aky" in problem["message"] for problem in facts["problems"]] == [True]
    assert "errors in what it reads:" in rendered.koma("explain", STILL).out


def test_a_target_that_nobody_wants_any_more_still_has_a_story(rendered):
    rendered.edit(SCENE, "  - id: sh030\n    characters: [ren]\n    phases: [still]\n", "")
    facts = story(rendered, "demo/s01/sh030/still")
    assert (facts["action"], facts["reason"], len(facts["takes"]), facts["fields"]) == ("retire", "removed", 1, [])


def test_the_id_of_a_chained_video_names_it_and_not_its_segments(workspace):
    workspace.edit(SCENE, "frames: 4", "frames: 120")
    done = workspace.koma("explain", "s01/sh010/video", "--rendition", "animatic", "--json")
    assert (done.json["target"], [need["target"] for need in done.json["upstream"]]) == (VIDEO, [f"{VIDEO}/seg01", f"{VIDEO}/seg02"])


def test_a_pattern_must_name_one_target(once_rendered):
    done = once_rendered.koma("explain", "s01/sh010")
    assert done.code == 2
    assert f"names 2 targets: {STILL}, {VIDEO}" in done.err
    assert once_rendered.koma("explain", "s01/sh020").out.startswith(f"{ADULT}  final\nReady: ")
    assert "did you mean" in once_rendered.koma("explain", "demo/s01/sh010/stil").err
    assert "there is no rendition 'fnal'" in once_rendered.koma("explain", STILL, "--rendition", "fnal").err


def test_every_target_has_a_story_in_words(once_rendered, workspace):
    for place in (once_rendered, workspace):
        for target in ALL:
            done = place.koma("explain", target)
            assert done.code == 0
            assert "\nvalues:\n" in done.out
            assert "\nkeys:\n" in done.out


def test_a_bundle_holds_everything_and_no_secret(rendered, tmp_path):
    rendered.append("koma.yaml", "# proxy: https://aki:hunter2@proxy.example\n# token: sesame\n")
    failure = {"event": "job_failed", "target": STILL, "api_key": "hunter2", "message": "https://aki:hunter2@studio.example"}
    rendered.append("outputs/.koma/logs/events.jsonl", json.dumps(failure) + "\n")
    done = rendered.koma("explain", STILL, "--bundle", str(tmp_path / "b.zip"))
    assert done.code == 0
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        names = archive.namelist()
        everything = b"".join(archive.read(name) for name in names).decode()
        graph = json.loads(archive.read("graph.json"))
        events = [json.loads(line) for line in archive.read("events.jsonl").splitlines()]
    assert {"story.json", "graph.json", "versions.json", "koma.yaml", "events.jsonl"} <= set(names)
    assert [name.rpartition(".")[0].rpartition(".")[2] for name in names if name.startswith("takes/")] == ["receipt", "gate"]
    assert graph["3"]["class_type"] == "SaveImage"
    assert {event.get("target", STILL) for event in events} == {STILL}
    assert "hunter2" not in everything
    assert "sesame" not in everything


def test_a_bundle_that_can_not_be_written_is_refused(once_rendered):
    done = once_rendered.koma("explain", STILL, "--bundle", "/nowhere/b.zip")
    assert done.code == 1
    assert "/nowhere/b.zip can't be written" in done.err


def test_every_reason_has_a_meaning():
    assert ADVICE.keys() == set(Reason)
    assert all(meaning(reason) for reason in Reason)
    assert "{" not in "".join(what_to_do(reason, "a/b/c/still") for reason in Reason)
