"""Phases: what comes next begins when enough of what comes before has passed, or when a person says so."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from support.served import ServedComfyUI, makes_frames
from support.workspaces import PROJECT, Workspace, comfyui_config, eventually, story

PROJECT_FILE, SCENE_FILE = "projects/demo/project.yaml", "projects/demo/s01.yaml"
NAMES = [f"sh{number:02d}" for number in range(1, 11)]
GOOD, BAD = NAMES[:7], NAMES[7:]
ONE_TAKE = "takes: {still: 1}\n"
OPEN_ENDED = "gates: {rules: {loop: {loop-seam: {required: false}}}}\n"  # four frames of a street never come round


def shots(names: list[str], spoilt: tuple[str, ...] = (), phases: str = "still, loop") -> str:
    """Shots of a scene; what is spoilt says so in its words, which the server hears."""
    words = {name: f"spoilt {name}" if name in spoilt else "fine" for name in names}
    rows = (f"  - {{id: {name}, phases: [{phases}], frames: 4, action: {words[name]}}}\n" for name in names)
    return "shots:\n" + "".join(rows)


def scene(name: str, text: str) -> str:
    return f"kind: scene\nid: {name}\n{text}"


@pytest.fixture
def ten(tmp_path: Path, server: ServedComfyUI) -> Workspace:
    """Ten shots with a still and a loop each, three of whose stills come out grey; nothing rendered."""
    workspace = story(tmp_path, comfyui_config(server.url))
    workspace.add_template("noiseloop")
    for name in ("aki", "ren"):
        (workspace.root / f"projects/demo/{name}.yaml").unlink()
    workspace.write(PROJECT_FILE, PROJECT.replace("still: noise,", "still: noise, loop: noiseloop,") + ONE_TAKE + OPEN_ENDED)
    workspace.write(SCENE_FILE, scene("s01", shots(NAMES, tuple(BAD))))
    server.spoils = lambda graph: "spoilt" in json.dumps(graph)
    return workspace


@pytest.fixture
def seven(ten: Workspace) -> Workspace:
    """Seven of ten stills have passed."""
    ten.once(code=3)
    return ten


def still(name: str, scene_id: str = "s01") -> str:
    return f"demo/{scene_id}/{name}/still"


def loop(name: str, scene_id: str = "s01") -> str:
    return f"demo/{scene_id}/{name}/loop"


def loops(workspace: Workspace) -> list[str]:
    """Ids of loops that were ever submitted, sorted."""
    return sorted(target for target in workspace.submitted() if target.endswith("/loop"))


def rate(workspace: Workspace, phase: str, scope: str = "demo") -> Any:
    found = workspace.koma("status", "--json").json["phases"]
    return next(one for one in found if (one["scope"], one["phase"]) == (scope, phase))


def queue(workspace: Workspace) -> str:
    """Every job, as `demo/s01/sh01/loop queued`."""
    return ", ".join(f"{job['target']} {job['state']}" for job in workspace.koma("status", "--json").json["queue"])


def test_seven_of_ten_stills_keep_the_loops_closed(seven: Workspace, server: ServedComfyUI) -> None:
    assert server.prompts == 10
    assert loops(seven) == []
    actions = seven.actions()
    assert {actions[loop(name)] for name in GOOD} == {("hold", "phase-closed")}
    assert {actions[still(name)] for name in BAD} == {("hold", "gate-failed")}
    seven.once(code=3)
    assert server.prompts == 10


def test_status_and_explain_say_what_is_missing(seven: Workspace) -> None:
    why = "7 of 10 stills passed, 8 are needed"
    status = seven.koma("status").out
    assert why in status
    assert re.search("still +7 of 10 +70% +40% to 89% +80%", status)
    told = rate(seven, "loop")
    assert (told["open"], told["passed"], told["wanted"]) == (False, 0, 10)
    assert why in told["why"]
    stills = rate(seven, "still")
    assert (stills["open"], stills["passed"], stills["wanted"], stills["threshold"]) == (True, 7, 10, 0.8)
    assert sorted(stills["missing"]) == [still(name) for name in BAD]
    explained = seven.koma("explain", loop("sh01")).out
    assert why in explained
    assert still("sh08") in explained
    assert why in seven.koma("plan").out


def _approves(workspace: Workspace, _server: ServedComfyUI) -> None:
    assert workspace.koma("review", "approve", still("sh08")).code == 0


def _tries_again(workspace: Workspace, server: ServedComfyUI) -> None:
    server.spoils = lambda graph: "spoilt" in json.dumps(graph) and "sh08" not in json.dumps(graph)
    assert workspace.koma("retry", still("sh08")).code == 0


def _mends(workspace: Workspace, _server: ServedComfyUI) -> None:
    workspace.write(SCENE_FILE, scene("s01", shots(NAMES, ("sh09", "sh10"))))


OPENERS = {
    "a person approves an eighth": _approves,
    "another take of an eighth passes": _tries_again,
    "an eighth is written anew and passes": _mends,
}


@pytest.mark.parametrize("act", OPENERS.values(), ids=OPENERS.keys())
def test_the_loops_open_when(act: Any, seven: Workspace, server: ServedComfyUI) -> None:
    act(seven, server)
    seven.once(code=3)
    assert loops(seven) == sorted(loop(name) for name in NAMES[:8])
    assert {seven.verdict(loop(name)) for name in NAMES[:8]} == {"passed"}
    actions = seven.actions()
    assert {actions[loop(name)] for name in ("sh09", "sh10")} == {("hold", "waiting")}
    assert rate(seven, "loop")["open"]


def test_a_loosened_rule_opens_the_loops_of_all(seven: Workspace, server: ServedComfyUI) -> None:
    loose = "{required: false}"
    seven.edit(PROJECT_FILE, "gates: {rules: {", f"gates: {{rules: {{still: {{blank: {loose}, sharpness: {loose}}}, ")
    seven.once()
    assert server.prompts == 20
    assert loops(seven) == [loop(name) for name in NAMES]
    assert seven.actions() == {}


def test_a_lower_rate_opens_the_loops(seven: Workspace) -> None:
    seven.append(PROJECT_FILE, "phase_gate: {pass_rate: 0.7}\n")
    seven.once(code=3)
    assert loops(seven) == [loop(name) for name in GOOD]


def test_a_phase_that_falls_below_its_rate_submits_nothing_new(seven: Workspace, server: ServedComfyUI) -> None:
    _approves(seven, server)
    seven.once(code=3)
    prompts = server.prompts
    seven.write(SCENE_FILE, scene("s01", shots([*NAMES, "sh11", "sh12"], (*BAD, "sh11"))))
    seven.once(code=3)
    assert server.prompts == prompts + 2
    assert seven.actions()[loop("sh12")] == ("hold", "phase-closed")
    assert "9 of 12 stills passed, 10 are needed" in seven.koma("explain", loop("sh12")).out
    assert {seven.verdict(loop(name)) for name in GOOD} == {"passed"}


def test_what_waits_in_the_queue_when_its_phase_closes_is_not_submitted_and_what_renders_is_finished(
    ten: Workspace, server: ServedComfyUI
) -> None:
    ten.write(SCENE_FILE, scene("s01", shots(NAMES, phases="still")))
    ten.once()
    server.hold()
    with ten.start("run") as daemon:
        ten.write(SCENE_FILE, scene("s01", shots(NAMES)))
        eventually(lambda: server.fake.running, "a loop renders", process=daemon)
        ten.write(SCENE_FILE, scene("s01", shots(NAMES, tuple(BAD))))
        eventually(lambda: ten.events("job_cancelled"), "the daemon has seen that the phase closed", process=daemon)
        eventually(lambda: "/loop queued" not in queue(ten), "no loop waits any more", process=daemon)
        server.release()
        eventually(lambda: not queue(ten), "nothing is left to do", process=daemon)
        assert daemon.stop() == 0
    made = loops(ten)
    assert 1 <= len(made) <= 2  # what rendered, and what waited at the server already
    assert {ten.verdict(target) for target in made} == {"passed"}


def test_a_decision_that_is_taken_back_closes_the_phase_again_for_what_is_new(seven: Workspace) -> None:
    _approves(seven, _NOBODY)
    review = next((seven.root / "projects/demo/reviews").iterdir())
    review.unlink()
    seven.once(code=3)
    assert loops(seven) == []


_NOBODY: Any = None


def test_a_rejected_still_counts_as_not_passed(ten: Workspace, server: ServedComfyUI) -> None:
    ten.write(SCENE_FILE, scene("s01", shots(NAMES, ("sh09", "sh10"), phases="still")))
    ten.once(code=3)
    assert ten.koma("review", "reject", still("sh01"), "--comment", "off model").code == 0
    ten.write(SCENE_FILE, scene("s01", shots(NAMES, ("sh09", "sh10"))))
    ten.once(code=3)
    assert server.prompts == 10
    assert loops(ten) == []
    assert "off model" in ten.koma("explain", still("sh01")).out


def test_scenes_count_for_themselves_where_the_project_says_so(ten: Workspace) -> None:
    ten.append(PROJECT_FILE, "phase_gate: {scope: scene}\n")
    ten.write("projects/demo/s02.yaml", scene("s02", shots(["a", "b"])))
    ten.once(code=3)
    assert loops(ten) == [loop("a", "s02"), loop("b", "s02")]
    assert not rate(ten, "loop", "demo/s01")["open"]
    assert rate(ten, "loop", "demo/s02")["open"]
    assert ten.koma("review", "approve", "--phase", "still", "demo/s01").code == 0
    ten.once(code=3)
    assert loops(ten) == sorted([loop(name) for name in GOOD] + [loop("a", "s02"), loop("b", "s02")])


def test_without_auto_advance_a_phase_waits_for_a_review(ten: Workspace, server: ServedComfyUI) -> None:
    server.spoils = lambda _graph: False
    ten.append(PROJECT_FILE, "phase_gate: {auto_advance: false}\n")
    ten.once(code=3)
    assert server.prompts == 10
    command = "koma review approve --phase still demo"
    status = ten.koma("status").out
    assert command in status
    assert "nothing waits for a person" not in status
    assert command in ten.koma("explain", loop("sh01")).out
    assert ten.koma(*command.split()[1:]).code == 0
    ten.once()
    assert server.prompts == 20
    assert ten.actions() == {}


def test_a_phase_that_a_person_rejects_stays_closed(ten: Workspace, server: ServedComfyUI) -> None:
    server.spoils = lambda _graph: False
    ten.write(SCENE_FILE, scene("s01", shots(NAMES, phases="still")))
    ten.once()
    assert ten.koma("review", "reject", "--phase", "still", "demo").code == 0
    ten.write(SCENE_FILE, scene("s01", shots(NAMES)))
    ten.once(code=3)
    assert server.prompts == 10
    assert "rejected still" in ten.koma("explain", loop("sh01")).out


def test_nothing_goes_to_the_server_before_the_animatics_are_approved(ten: Workspace, server: ServedComfyUI) -> None:
    server.spoils = lambda _graph: False
    names = NAMES[:2]
    ten.write(SCENE_FILE, scene("s01", shots(names, phases="animatic, still")))
    animatics = [f"demo/s01/{name}/animatic" for name in names]
    ten.once(code=3)
    assert server.prompts == 0
    assert {ten.verdict(target) for target in animatics} == {"passed"}
    assert {ten.actions()[target] for target in animatics} == {("hold", "review")}
    assert {ten.actions()[still(name)][0] for name in names} == {"hold"}
    assert "koma review approve" in ten.koma("status").out

    assert ten.koma("review", "approve", animatics[0]).code == 0
    ten.once(code=3)
    assert server.prompts == 0
    assert ten.koma("review", "approve", "--phase", "animatic", "demo").code == 0
    ten.once()
    assert server.prompts == 2
    assert ten.actions() == {}


def test_a_loop_needs_its_own_still_whatever_the_rate(ten: Workspace, server: ServedComfyUI) -> None:
    server.spoils = lambda graph: "spoilt" in json.dumps(graph) and not makes_frames(graph)
    ten.write(SCENE_FILE, scene("s01", shots(NAMES, ("sh10",))))
    ten.once(code=3)
    assert loops(ten) == [loop(name) for name in NAMES[:9]]
    assert ten.actions()[loop("sh10")] == ("hold", "waiting")
