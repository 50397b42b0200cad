"""Profile `standard` from end to end: specs in, files out, with models of a few kilobytes that are added on the command line."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from koma.core.metrics import METRICS
from koma.measures.learned.registry import release
from support.fake_comfyui_graphs import png
from support.served import ServedComfyUI, seed_of
from support.standard import (
    DRAWN,
    FACES,
    PROJECT_FILE,
    SCENE_FILE,
    STYLE_FILE,
    Files,
    Log,
    add,
    checks,
    draws,
    gate,
    records,
    speak_of,
    standard,
)
from support.tiny_onnx import canvas, ccip_features, portrait
from support.workspaces import ADULT, ALL, REN, STILL, VIDEO, Done, Workspace, comfyui_config, eventually, story

STILLS = (STILL, ADULT, REN)
LEARNED = {metric for metric, spec in METRICS.items() if spec.weights}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    logging.getLogger().setLevel(logging.ERROR)  # open_clip says that weights are random
    yield Files(tmp_path_factory.mktemp("files"))
    release()


@pytest.fixture(autouse=True)
def _own_settings_only(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("KOMA_")]:
        monkeypatch.delenv(name)
    speak_of(files, monkeypatch)


@pytest.fixture
def server() -> Iterator[ServedComfyUI]:
    with ServedComfyUI() as served:
        yield served


@pytest.fixture
def workspace(tmp_path: Path, server: ServedComfyUI) -> Workspace:
    """The story's workspace in profile `standard`, without any model."""
    made = story(tmp_path, comfyui_config(server.url))
    standard(made)
    return made


@pytest.fixture
def passed(workspace: Workspace, files: Files) -> Workspace:
    """The same with every model; everything was rendered, measured and passed."""
    add(workspace, files, *DRAWN)
    workspace.once()
    return workspace


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    return Log(monkeypatch)


def waiting(workspace: Workspace) -> dict[str, Any]:
    """What `koma status` says to a person, by target."""
    return {item["target"]: item for item in workspace.koma("status", "--json").json["waiting"]}


# -- without any model ---------------------------------------------------------------------------------------------------


def test_without_models_every_still_waits_for_a_person_and_nothing_passes_by_default(workspace: Workspace, server: ServedComfyUI) -> None:
    done = workspace.once(code=3)
    assert server.prompts == 3  # no retake: another seed would not be measured either
    assert {workspace.verdict(target) for target in STILLS} == {"unmeasured"}
    assert workspace.actions() == {**dict.fromkeys(STILLS, ("hold", "unmeasured")), VIDEO: ("hold", "waiting")}
    assert "take 1 unmeasured. aesthetic: the models clip-vit-l-14 and aesthetic-head were not added; do: koma models" in done.err
    workspace.once(code=3)
    assert server.prompts == 3


def test_what_is_missing_is_named_with_the_command_wherever_a_person_looks(workspace: Workspace) -> None:
    workspace.once(code=3)
    status, told = workspace.koma("status").out, waiting(workspace)[STILL]
    assert "aki: ccip-difference: the models ccip-features and ccip-metric were not added; do: koma models" in told["why"]
    assert "it is measured again by itself" in told["do"]
    assert f"koma review approve {STILL}" in told["do"]
    assert f"{STILL}: unmeasured: a metric that its gate requires has no value" in status
    explained = workspace.koma("explain", STILL).out
    assert "Stalled: hold, because a metric that its gate requires has no value" in explained
    assert "unmeasured: aki: ccip-difference: the models ccip-features and ccip-metric were not added" in explained
    assert f"published: {STILL}.png (unmeasured)" in explained
    missing = workspace.koma("models")
    assert (missing.code, all(f"do: koma models add {name} FILE" in missing.out for name in DRAWN)) == (3, True)


def test_a_metric_that_is_only_shown_keeps_nobody(workspace: Workspace) -> None:
    workspace.edit(PROJECT_FILE, "{profile: standard}", "{profile: own, rules: {all: {aesthetic: {min: 5, required: false}}}}")
    workspace.once()
    assert workspace.actions() == {}
    (check,) = checks(workspace, STILL, "aesthetic").values()
    assert (check["verdict"], check["value"], check["required"]) == ("unmeasured", None, False)


def test_basic_needs_nothing(workspace: Workspace, log: Log) -> None:
    workspace.edit(PROJECT_FILE, "profile: standard", "profile: basic")
    workspace.once()
    assert {workspace.verdict(target) for target in ALL} == {"passed"}
    assert not LEARNED & {metric for metrics in log.read() for metric in metrics}
    assert workspace.koma("models").code == 0


# -- models that come, and that change -----------------------------------------------------------------------------------


def test_models_that_come_are_measured_with_and_only_what_waited_renders(
    workspace: Workspace, server: ServedComfyUI, files: Files, log: Log
) -> None:
    workspace.once(code=3)
    before = {target: records(workspace, target) for target in STILLS}
    log.read()
    add(workspace, files, *DRAWN)
    assert {workspace.actions()[target] for target in STILLS} == {("measure", "metric-changed")}
    workspace.once()
    assert server.prompts == 4  # the video, which waited for its still
    assert log.read()[:3] == [("aesthetic", "ccip-difference")] * 3
    assert {workspace.verdict(target) for target in ALL} == {"passed"}
    assert workspace.actions() == {}
    for target in STILLS:
        after = records(workspace, target)
        assert {name for name in after if after[name] != before[target][name]} == {"aesthetic", f"ccip-difference {subject(target)}"}


def subject(target: str) -> str:
    return "ren" if target == REN else "aki"


@pytest.mark.parametrize(
    ("model", "of_stills", "of_videos"),
    [
        pytest.param("aesthetic-head", {"aesthetic"}, {"aesthetic"}, id="a head"),
        pytest.param("clip-vit-l-14", {"aesthetic"}, {"aesthetic", "clip-consistency"}, id="a tower that two metrics stand on"),
        pytest.param("ccip-metric", {"ccip-difference aki"}, {"ccip-difference aki"}, id="one of the two that identity needs"),
        pytest.param("lpips-trunk", set(), {"lpips-temporal"}, id="what clips alone need"),
        pytest.param("face-detector", set(), set(), id="one that no target here needs"),
    ],
)
def test_another_model_changes_exactly_the_scores_that_use_it(
    model: str, of_stills: set[str], of_videos: set[str], passed: Workspace, server: ServedComfyUI, files: Files, log: Log
) -> None:
    before = {target: records(passed, target) for target in (STILL, VIDEO)}
    log.read()
    assert passed.koma("models", "add", model, str(files.other(model)), "--replace").code == 0
    planned = passed.actions()
    assert set(planned.values()) <= {("measure", "metric-changed")}
    assert (STILL in planned, VIDEO in planned) == (bool(of_stills), bool(of_videos))
    passed.once(code=None)
    assert server.prompts == 4
    for target, expected in ((STILL, of_stills), (VIDEO, of_videos)):
        after = records(passed, target)
        assert {name for name in after if after[name] != before[target][name]} == expected
    asked = {metric for metrics in log.read() for metric in metrics}
    assert asked == {name.partition(" ")[0] for name in of_stills | of_videos}


# -- files that break after they were recorded -----------------------------------------------------------------------------

FEATURES = "models/ccip-features.onnx"
Act = Callable[[Workspace, Files], None]


def corrupt(workspace: Workspace, files: Files) -> None:
    workspace.write(FEATURES, (workspace.root / FEATURES).read_bytes()[:-100])


def replace_quietly(workspace: Workspace, files: Files) -> None:
    workspace.write(FEATURES, files.other("ccip-features").read_bytes())


def take_away(workspace: Workspace, files: Files) -> None:
    (workspace.root / FEATURES).unlink()


def put_back(workspace: Workspace, files: Files) -> None:
    workspace.write(FEATURES, files.of("ccip-features").read_bytes())


BREAKS = {
    "cut off": (corrupt, put_back, "error", "measure-failed", "is not the file that was added as ccip-features: SHA-256"),
    "another file": (
        replace_quietly,
        put_back,
        "error",
        "measure-failed",
        "put the right file back, or koma models add ccip-features FILE",
    ),
    "gone": (take_away, put_back, "unmeasured", "unmeasured", "is gone, which was added as ccip-features; do: put it back"),
}


@pytest.mark.parametrize(("break_it", "mend_it", "verdict", "reason", "words"), BREAKS.values(), ids=BREAKS.keys())
def test_a_model_that_breaks_costs_its_own_metric_and_heals_by_itself(
    break_it: Act, mend_it: Act, verdict: str, reason: str, words: str, passed: Workspace, server: ServedComfyUI, files: Files, log: Log
) -> None:
    before = records(passed, REN)
    break_it(passed, files)
    passed.edit(SCENE_FILE, "characters: [ren]", "characters: [ren]\n    seed: 21")
    done = passed.once(code=3)
    assert server.prompts == 5
    take = newest(passed, REN)
    assert (take["verdict"], learned(take)) == (verdict, {"aesthetic": "passed", "ccip-difference": verdict})
    assert words in done.err
    assert passed.actions()[REN] == ("hold", reason)
    assert words in waiting(passed)[REN]["why"]
    assert passed.verdict(ADULT) == "passed"  # what was measured stays a fact
    assert records(passed, REN) == before  # and what passed once stays published
    passed.once(code=3)
    log.read()
    mend_it(passed, files)
    assert passed.actions()[REN] == ("measure", "metric-changed")
    passed.once()
    assert (server.prompts, passed.verdict(REN), passed.receipt(REN)["seed"]) == (5, "passed", 21)
    assert passed.actions() == {}
    assert {metric for metrics in log.read() for metric in metrics} == {"ccip-difference"}


def newest(workspace: Workspace, target: str) -> Any:
    """The newest take of what is wanted of a target."""
    return [take for take in workspace.koma("explain", target, "--json").json["takes"] if take["wanted"]][-1]


def learned(take: Any) -> dict[str, str]:
    return {check["metric"]: check["verdict"] for check in take["checks"] if check["metric"] in LEARNED}


def test_a_model_that_does_not_fit_is_told_when_it_measures_and_what_passed_stays(
    passed: Workspace, server: ServedComfyUI, files: Files
) -> None:
    assert add_as(passed, "ccip-features", files.of("ccip-features", ccip_features(length=512))).code == 0
    done = passed.once(code=3)
    assert "outputs that end in 512; expected" in done.err
    assert {passed.actions()[target] for target in STILLS} == {("hold", "measure-failed")}
    assert learned(newest(passed, STILL)) == {"aesthetic": "passed", "ccip-difference": "error"}
    assert "koma models add ccip-features FILE --replace" in waiting(passed)[STILL]["why"]
    assert add_as(passed, "ccip-features", files.of("ccip-features")).code == 0
    passed.once()
    assert (server.prompts, passed.actions()) == (4, {})


def add_as(workspace: Workspace, name: str, file: Path) -> Done:
    return workspace.koma("models", "add", name, str(file), "--replace")


def test_a_retry_measures_again_what_lacked_a_model_and_renders_nothing(
    passed: Workspace, server: ServedComfyUI, files: Files, log: Log
) -> None:
    take_away(passed, files)
    passed.edit(SCENE_FILE, "characters: [ren]", "characters: [ren]\n    seed: 21")
    passed.once(code=3)
    log.read()
    assert passed.koma("retry", REN).code == 0
    passed.once(code=3)
    assert (server.prompts, log.read()) == (5, [("ccip-difference",)])
    assert passed.actions()[REN] == ("hold", "unmeasured")


def test_a_person_may_let_it_pass_or_have_another_take_while_a_model_is_missing(
    passed: Workspace, server: ServedComfyUI, files: Files
) -> None:
    take_away(passed, files)
    passed.edit(SCENE_FILE, "characters: [ren]", "characters: [ren]\n    seed: 21")
    passed.once(code=3)
    passed.koma("review", "retake", REN)
    passed.once(code=3)
    assert (server.prompts, newest(passed, REN)["number"]) == (6, 2)
    passed.koma("review", "approve", REN)
    passed.once()
    assert (server.prompts, passed.verdict(REN), passed.actions()) == (6, "passed", {})
    put_back(passed, files)
    passed.once()
    assert (server.prompts, gate(passed, REN)["gate"], gate(passed, REN)["approved"]) == (6, "passed", True)


def test_a_daemon_goes_on_beside_a_broken_model_and_heals_when_it_is_mended(tmp_path: Path, server: ServedComfyUI, files: Files) -> None:
    config = comfyui_config(server.url).replace("debounce_seconds: 0.05", "debounce_seconds: 0.05, rescan_seconds: 1")
    workspace = story(tmp_path, config)
    standard(workspace)
    workspace.edit(PROJECT_FILE, "profile: standard", "profile: basic, identity: ccip")
    add(workspace, files, "ccip-features", "ccip-metric")
    corrupt(workspace, files)
    with workspace.start("run") as daemon:
        eventually(lambda: len(workspace.events("quality_evaluation")) == 3, "every still was judged", process=daemon)
        eventually(lambda: workspace.actions().get(REN) == ("hold", "measure-failed"), "a person has to mend it", process=daemon)
        put_back(workspace, files)
        eventually(lambda: workspace.actions() == {}, "all was measured again, and the video rendered", process=daemon)
        assert daemon.stop() == 0
    assert server.prompts == 4


# -- who is in the picture -----------------------------------------------------------------------------------------------

AKI_FILE, REN_FILE, MIA_FILE = (f"projects/demo/{name}.yaml" for name in ("aki", "ren", "mia"))
RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (30, 160, 30)
LEFT, RIGHT, MIDDLE = (160, 320), (480, 320), (320, 320)
BOTH, ALONE, STRANGER = "demo/s01/both/still", "demo/s01/alone/still", "demo/s01/stranger/still"
CAST = """\
kind: scene
id: s01
phases: [still]
shots:
  - {id: both, seed: 1, characters: [aki, ren]}
  - {id: alone, seed: 2, characters: [aki]}
  - {id: stranger, seed: 3, characters: [mia]}
"""
MIA = "kind: character\nid: mia\nname: Mia\nbase_prompt: a woman\n"
NOBODY = np.repeat([[[60, 60, 60], [120, 90, 60]]], 320, axis=1).repeat(640, axis=0).astype(np.uint8)
WAYS = {"arcface": "face-similarity", "ccip": "ccip-difference", "clip": "clip-similarity", "palette": "palette-distance"}


@pytest.fixture
def faces(tmp_path: Path, server: ServedComfyUI, files: Files) -> Workspace:
    """Aki has a red face and Ren a blue one; a shot of both, one of Aki, and one of Mia, of whom there is no picture. Told by ArcFace."""
    workspace = story(tmp_path, comfyui_config(server.url))
    workspace.edit(PROJECT_FILE, "width: 64\nheight: 64", "width: 640\nheight: 640")
    workspace.append(PROJECT_FILE, "gates: {profile: own, identity: arcface}\ntakes: {still: 1}\n")
    workspace.write(MIA_FILE, MIA)
    workspace.write(SCENE_FILE, CAST)
    for who, colour in (("aki", RED), ("ren", BLUE)):
        workspace.write(f"projects/demo/references/{who}/face.png", png(canvas((*MIDDLE, colour)), {}))
    add(workspace, files, *FACES)
    shows(server)
    return workspace


def shows(server: ServedComfyUI, both: np.ndarray | None = None, alone: np.ndarray | None = None) -> None:
    """Draw this where both are to be seen, and that where Aki is alone, where it is not as it should be; else her red face."""
    seen = {1: canvas((*LEFT, BLUE), (*RIGHT, RED)) if both is None else both, 2: alone}
    draws(server, lambda graph: found if (found := seen.get(seed_of(graph))) is not None else canvas((*MIDDLE, RED)))


def identity(workspace: Workspace, target: str) -> dict[tuple[str, str], bool]:
    """Checks of who is in the picture: (metric, character) → whether it is required."""
    return {(one["metric"], one["subject"]): one["required"] for one in gate(workspace, target)["checks"] if one["stage"] == "identity"}


@pytest.mark.parametrize(("way", "metric"), WAYS.items(), ids=WAYS.keys())
def test_a_project_chooses_how_characters_are_told(way: str, metric: str, workspace: Workspace, files: Files) -> None:
    workspace.edit(PROJECT_FILE, "{profile: standard}", f"{{profile: standard, identity: {way}}}")
    add(workspace, files, *DRAWN, *FACES)
    workspace.once(code=None)
    assert {name for name, required in identity(workspace, REN).items() if required} == {(metric, "ren")}
    (check,) = checks(workspace, REN, metric).values()
    assert (check["verdict"] in ("passed", "failed")) is (check["value"] is not None)
    assert check["message"].startswith(f"ren: {metric}")


@pytest.mark.parametrize(("look", "metric"), [("drawn", "ccip-difference"), ("photographic", "face-similarity")])
def test_without_a_choice_the_look_of_the_style_decides(look: str, metric: str, workspace: Workspace) -> None:
    workspace.write(STYLE_FILE, f"kind: style\nid: ink\nlook: {look}\n")
    workspace.append(PROJECT_FILE, "style: ink\n")
    workspace.once(code=3)
    assert {name for name, required in identity(workspace, REN).items() if required} == {(metric, "ren")}


def test_two_characters_have_a_score_each_and_the_one_that_is_wrong_is_named(faces: Workspace, server: ServedComfyUI) -> None:
    faces.once(code=None)
    found = checks(faces, BOTH, "face-similarity")
    assert {who: check["verdict"] for who, check in found.items()} == {"aki": "passed", "ren": "passed"}
    assert found["aki"]["value"] > 0.99  # her face was found although she stands on the right
    shows(server, both=canvas((*LEFT, RED), (*RIGHT, GREEN)))
    faces.edit(SCENE_FILE, "seed: 1,", "seed: 1, action: they wait,")
    done = faces.once(code=3)
    take = newest(faces, BOTH)
    assert {check["message"].partition(":")[0]: check["verdict"] for check in take["checks"] if "face-similarity" in check["message"]} == {
        "aki": "passed",
        "ren": "failed",
    }
    assert "ren: face-similarity" in done.err
    assert "aki: face-similarity" not in done.err


def test_a_character_may_ask_for_another_likeness_and_the_check_says_where_that_stands(faces: Workspace, server: ServedComfyUI) -> None:
    shows(server, both=canvas((*LEFT, RED), (*RIGHT, GREEN)))
    faces.once(code=3)
    assert checks(faces, BOTH, "face-similarity")["ren"]["verdict"] == "failed"
    prompts = server.prompts
    faces.append(REN_FILE, "consistency_threshold: 0.001\n")
    assert faces.actions()[BOTH] == ("gate", "rule-changed")
    faces.once(code=None)
    found = checks(faces, BOTH, "face-similarity")
    assert server.prompts == prompts
    assert {who: (check["threshold"], check["verdict"]) for who, check in found.items()} == {
        "aki": (0.7, "passed"),
        "ren": (0.001, "passed"),
    }
    assert found["ren"]["source"] == "character ren consistency_threshold"


def test_a_character_without_pictures_is_shown_and_not_asked_for(faces: Workspace) -> None:
    faces.edit(SCENE_FILE, "characters: [aki, ren]", "characters: [aki, ren, mia]")
    faces.once()
    for target in (STRANGER, BOTH):
        mia = checks(faces, target, "face-similarity")["mia"]
        assert (faces.verdict(target), mia["verdict"], mia["required"]) == ("passed", "unmeasured", False)
        assert mia["message"] == "mia: face-similarity: the character has no reference pictures"
    faces.edit(PROJECT_FILE, "identity: arcface", "identity: arcface, rules: {all: {face-similarity: {min: 0.5}}}")
    faces.once()
    found = checks(faces, BOTH, "face-similarity")
    assert {who: (check["threshold"], check["required"]) for who, check in found.items()} == {
        "aki": (0.5, True),
        "ren": (0.5, True),
        "mia": (0.7, False),
    }


def test_a_face_that_is_not_there_is_no_wrong_face_and_a_person_may_let_it_pass(faces: Workspace, server: ServedComfyUI) -> None:
    shows(server, alone=NOBODY)
    done = faces.once(code=3)
    assert faces.actions()[ALONE] == ("hold", "unmeasured")
    assert "aki: face-similarity: no face was found" in done.err
    before = server.prompts
    assert checks(faces, ALONE, "face-similarity")["aki"]["value"] is None
    faces.koma("review", "approve", ALONE)
    faces.once()
    assert (server.prompts, faces.verdict(ALONE), faces.actions()) == (before, "passed", {})
    assert gate(faces, ALONE)["gate"] == "unmeasured"


def test_a_retry_of_a_picture_without_a_face_makes_another(faces: Workspace, server: ServedComfyUI) -> None:
    shows(server, alone=NOBODY)
    faces.once(code=3)
    before = server.prompts
    shows(server)
    faces.koma("retry", ALONE)
    faces.once()
    assert (server.prompts, faces.receipt(ALONE)["number"]) == (before + 1, 2)


def test_poses_of_a_sheet_are_held_to_more_and_a_back_has_no_face(faces: Workspace) -> None:
    faces.add_template("posed")
    faces.append(AKI_FILE, "sheet: {template: posed, poses: [front, back]}\n")
    faces.append(PROJECT_FILE, "parameters: {posed: {width: 640, height: 640}}\n")
    faces.write(SCENE_FILE, CAST.partition("  - ")[0].replace("shots:\n", "shots: []\n"))
    faces.edit(AKI_FILE, '  child: {age: 8, palette: {hair: "#6e4628"}}\n', "")
    faces.once(code=None)
    sheet = "demo/characters/aki/adult"
    assert checks(faces, f"{sheet}/front", "face-similarity")["aki"]["threshold"] == 0.85
    assert checks(faces, f"{sheet}/back", "face-similarity") == {}


# -- what a licence forbids ----------------------------------------------------------------------------------------------


def test_a_commercial_project_never_runs_what_a_licence_forbids_and_says_so_where_it_is_asked_for(
    faces: Workspace, server: ServedComfyUI, files: Files
) -> None:
    faces.append(PROJECT_FILE, "commercial: true\n")
    check = faces.koma("check")
    assert check.code == 1
    assert "projects/demo/project.yaml:8:33: error: `face-similarity` is never measured here" in check.out
    assert "insightface: non-commercial research only" in check.out
    assert "choose `identity: ccip` or `identity: palette`" in check.out
    assert faces.koma("models").code == 1
    done = faces.once(code=None)
    assert done.code != 0
    assert faces.actions()[ALONE] == ("hold", "unmeasured")
    (score,) = checks(faces, ALONE, "face-similarity").values()
    assert (score["verdict"], score["value"]) == ("unmeasured", None)
    assert "and the project is commercial" in score["message"]
    prompts = server.prompts
    for name in FACES:
        said = ("--licence", "MIT", "--commercial", "yes")
        assert faces.koma("models", "add", name, str(files.of(name)), *said).code == 0
    assert faces.koma("check").code == 0
    faces.once()
    assert (server.prompts, faces.verdict(ALONE)) == (prompts, "passed")
    (record,) = [one["record"] for one in gate(faces, ALONE)["measurements"] if one["metric"] == "face-similarity"]
    assert {weights["licence"] for weights in record["weights"]} == {"MIT"}


# -- overall, and rules of a project's own -------------------------------------------------------------------------------


def test_overall_is_judged_after_everything_else_and_of_videos_alone(passed: Workspace) -> None:
    assert checks(passed, STILL, "overall") == {}
    last = gate(passed, VIDEO)["checks"][-1]
    assert (last["metric"], last["stage"], last["verdict"], last["required"]) == ("overall", "overall", "passed", True)
    assert all(term in last["message"] for term in ("ccip-difference 0.", "aesthetic 1.00", "lpips-temporal", "flicker"))


def test_a_video_that_passes_everything_else_may_fail_by_overall(passed: Workspace, server: ServedComfyUI) -> None:
    passed.edit(PROJECT_FILE, "{profile: standard}", "{profile: standard, rules: {video: {overall: {min: 0.999}}}}")
    assert passed.actions() == {VIDEO: ("gate", "rule-changed")}
    passed.once(code=3)
    found = gate(passed, VIDEO)
    assert (found["gate"], found["decided_by"], passed.actions()[VIDEO]) == ("failed", "overall", ("hold", "gate-changed"))
    assert found["reason"].startswith("overall 0.")
    passed.edit(PROJECT_FILE, "rules: {video: {overall: {min: 0.999}}}", "overall: false")
    passed.once()
    assert (server.prompts, checks(passed, VIDEO, "overall"), passed.actions()) == (4, {}, {})


def test_overall_has_no_value_where_one_of_its_terms_has_none(passed: Workspace, files: Files) -> None:
    (passed.root / "models/aesthetic-head.safetensors").unlink()
    passed.edit(SCENE_FILE, "frames: 4", "frames: 5")
    passed.once(code=3)
    told = {check["metric"]: check for check in newest(passed, VIDEO)["checks"]}
    assert (told["aesthetic"]["verdict"], told["overall"]["verdict"]) == ("unmeasured", "unmeasured")
    assert told["overall"]["message"] == "overall has no value: aesthetic has none"
    assert "is gone, which was added as aesthetic-head" in waiting(passed)[VIDEO]["why"]


def test_a_rule_of_the_project_makes_a_learned_metric_required_in_basic(workspace: Workspace, server: ServedComfyUI, files: Files) -> None:
    workspace.edit(PROJECT_FILE, "{profile: standard}", "{profile: basic, rules: {still: {aesthetic: {min: 7.5}}}}")
    workspace.append(PROJECT_FILE, "takes: {still: 1}\n")
    workspace.once(code=3)
    assert {workspace.actions()[target] for target in STILLS} == {("hold", "unmeasured")}
    add(workspace, files, "clip-vit-l-14", "aesthetic-head")
    workspace.once(code=3)
    assert {workspace.actions()[target] for target in STILLS} == {("hold", "gate-failed")}  # it gives about 7
    (check,) = checks(workspace, STILL, "aesthetic").values()
    assert (check["required"], check["threshold"], check["source"]) == (True, 7.5, "projects/demo/project.yaml gates.rules.still")
    workspace.edit(PROJECT_FILE, "aesthetic: {min: 7.5}", "aesthetic: {min: 7.5, required: false}")
    workspace.once()
    assert (server.prompts, workspace.actions()) == (4, {})
    assert checks(workspace, STILL, "aesthetic")[""]["verdict"] == "failed"


# -- what stands beside the file -----------------------------------------------------------------------------------------

BY = {
    "aesthetic": (("clip-vit-l-14", "MIT"), ("aesthetic-head", "MIT")),
    "clip-consistency": (("clip-vit-l-14", "MIT"),),
    "lpips-temporal": (("lpips-trunk", "BSD-3-Clause"), ("lpips-heads", "BSD-2-Clause")),
    "ccip-difference": (("ccip-features", "OpenRAIL"), ("ccip-metric", "OpenRAIL")),
}


@pytest.mark.parametrize("metric", BY)
def test_a_learned_score_says_what_measured_it_of_which_pixels_and_against_what(metric: str, passed: Workspace) -> None:
    document, spec = gate(passed, VIDEO), METRICS[metric]
    (score,) = [one for one in document["measurements"] if one["metric"] == metric]
    (check,) = checks(passed, VIDEO, metric).values()
    record, locked = score["record"], json.loads(passed.read("models/models.json"))["models"]
    assert [(weights["name"], weights["licence"]) for weights in record["weights"]] == list(BY[metric])
    assert all(weights["sha256"] == locked[weights["name"]]["sha256"] for weights in record["weights"] if weights["name"] in locked)
    assert all(len(weights["sha256"]) == 64 for weights in record["weights"])
    assert (record["definition"], score["version"], score["unit"]) == (spec.digest, spec.version, spec.unit)
    runs = ("onnxruntime", "CPUExecutionProvider") if "ccip" in metric else ("torch", "cpu")
    assert (record["runtime"].partition(" ")[0], record["provider"]) == runs
    assert {"numpy"} <= record["libraries"].keys()
    (made,) = [one for one in passed.receipt(VIDEO)["artifacts"] if one["role"] == "object"]
    assert record["content"] == made["content_digest"]
    assert len(score["details"]["per_frame"]) == (3 if metric in ("lpips-temporal", "clip-consistency") else 4)
    assert (check["value"], check["verdict"], check["source"], check["basis"]) == (score["value"], "passed", "koma standard", "placeholder")
    assert check["measured"] == spec.definition
    assert metric in check["message"]


def test_what_the_check_of_a_character_compares_with_is_in_its_record(passed: Workspace) -> None:
    (score,) = [one for one in gate(passed, VIDEO)["measurements"] if one["metric"] == "ccip-difference"]
    assert (score["subject"], len(score["details"]["references"]), score["details"]["left_out"]) == ("aki", 1, {})


# -- what the next take changes ------------------------------------------------------------------------------------------


def test_a_take_of_somebody_else_is_followed_by_one_with_more_weight_on_the_character(
    workspace: Workspace, server: ServedComfyUI, files: Files
) -> None:
    workspace.add_template("stepped")
    workspace.edit(PROJECT_FILE, "still: noise,", "still: stepped,")
    workspace.edit(PROJECT_FILE, "{profile: standard}", "{profile: own, identity: ccip}")
    workspace.append(PROJECT_FILE, "retries: {identity: {add: {identity_weight: 0.15}}}\n")
    workspace.write("projects/demo/references/ren/face.png", png(portrait(RED, size=512), {}))
    workspace.write(SCENE_FILE, CAST.partition("  - ")[0] + "  - {id: sh030, seed: 3, characters: [ren]}\n")
    add(workspace, files, "ccip-features", "ccip-metric")
    draws(server, lambda graph: portrait(RED if weight_of(graph) == "ren 0.75" else BLUE, size=64))
    done = workspace.once()
    assert "take 1 failed. ren: ccip-difference" in done.err
    assert [weight_of(graph) for graph in server.graphs] == ["ren 0.6", "ren 0.75"]
    retry = workspace.receipt(REN)["retry"]
    assert (retry["kind"], retry["changes"]) == ("identity", [{"parameter": "characters.ren.weight", "from": 0.6, "to": 0.75}])


def weight_of(graph: Any) -> str:
    return str(graph["weight1"]["inputs"]["value"])


# -- a store that was lost -----------------------------------------------------------------------------------------------


def test_a_lost_store_is_rebuilt_with_its_scores(passed: Workspace, server: ServedComfyUI, log: Log) -> None:
    before = {target: records(passed, target) for target in ALL}
    log.read()
    passed.lose_state()
    assert passed.actions() == {}
    passed.once()
    assert (server.prompts, log.read()) == (4, [])
    assert {target: records(passed, target) for target in ALL} == before


def test_a_lost_store_remembers_what_lacked_a_model(workspace: Workspace, server: ServedComfyUI, files: Files, log: Log) -> None:
    workspace.once(code=3)
    log.read()
    workspace.lose_state()
    workspace.once(code=3)
    assert (server.prompts, log.read()) == (3, [])
    assert {workspace.actions()[target] for target in STILLS} == {("hold", "unmeasured")}
    add(workspace, files, *DRAWN)
    workspace.once()
    assert (server.prompts, workspace.actions()) == (4, {})


# -- a list of models that nobody can read -------------------------------------------------------------------------------

LOCK = "models/models.json"


def test_while_the_list_of_models_can_not_be_read_nothing_is_judged_by_it_and_no_score_is_lost(
    passed: Workspace, server: ServedComfyUI, log: Log
) -> None:
    before, lock = {target: records(passed, target) for target in ALL}, passed.read(LOCK)
    log.read()
    passed.write(LOCK, f"<<<<<<< HEAD\n{lock}")
    check = passed.koma("check")
    assert check.code == 1
    assert "models/models.json:1:1: error: this is not JSON" in check.out
    assert set(passed.actions().values()) == {("hold", "blocked")}
    assert passed.once(code=1).err.count("models/models.json:1:1") == 1
    passed.write(LOCK, lock)
    assert passed.actions() == {}
    passed.once()
    assert (server.prompts, log.read(), {target: records(passed, target) for target in ALL}) == (4, [], before)


def test_a_list_of_models_that_can_not_be_read_holds_nothing_that_needs_none(passed: Workspace) -> None:
    passed.edit(PROJECT_FILE, "profile: standard", "profile: basic")
    passed.once()
    passed.write(LOCK, "{")
    passed.edit(SCENE_FILE, "seed: 7", "seed: 8")
    passed.once(code=1)
    assert passed.actions() == {}
