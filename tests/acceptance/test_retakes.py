"""A take that fails is followed by one that changes what the project says, the plan shows, and the receipt tells."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from koma.core.keys import derived_seed
from support.served import ServedComfyUI, makes_frames, seed_of
from support.workspaces import STILL, VIDEO, Workspace, comfyui_config, eventually

PROJECT_FILE, SCENE_FILE = "projects/demo/project.yaml", "projects/demo/s01.yaml"
GATE = "gates: {profile: own, rules: {still: {sharpness: {min: 15}, black: {max: 0}, blank: {max: 0}}}}\n"
GRAIN = "  grain: {type: float, default: 0.5, min: 0, max: 1, description: How much noise.}\n"
Graph = Mapping[str, Any]
Pixels = Callable[[Graph], "np.ndarray | None"]


def blurred() -> np.ndarray:
    """A picture without an edge."""
    row = np.linspace(60, 200, 64, dtype=np.uint8)
    return np.repeat(np.tile(row, (64, 1))[..., None], 3, axis=2)


def black() -> np.ndarray:
    return np.zeros((64, 64, 3), dtype=np.uint8)


def spoil(server: ServedComfyUI, with_: Pixels) -> None:
    """Let graphs come out as `with_` says, where it says anything."""
    draw = server.fake.render

    def render(graph: Graph) -> list[np.ndarray]:
        frames, spoilt = draw(graph), with_(graph)
        return frames if spoilt is None else [spoilt for _ in frames]

    server.fake.render = render


def steps_of(graph: Graph) -> int:
    return int(graph["1"]["inputs"]["color"])


def weights_of(graph: Graph) -> list[str]:
    return [entry["inputs"]["value"] for name, entry in graph.items() if name.startswith("weight")]


def one_still(workspace: Workspace, retries: str = "", more: str = "") -> None:
    """Leave one shot, a still of the template with values to turn."""
    workspace.add_template("stepped")
    scene = workspace.read(SCENE_FILE)
    workspace.write(SCENE_FILE, scene[: scene.index("  - id: sh020")].replace("    frames: 4\n", "    phases: [still]\n"))
    workspace.edit(PROJECT_FILE, "still: noise,", "still: stepped,")
    workspace.append(PROJECT_FILE, GATE)
    workspace.append(PROJECT_FILE, f"retries: {{{retries}}}\n" if retries else "")
    workspace.append(PROJECT_FILE, more)


def retake_of(workspace: Workspace) -> Any:
    """What the plan says of the next take."""
    return {action["target"]: action["retake"] for action in workspace.plan()["actions"]}[STILL]


def takes_of(workspace: Workspace) -> list[Any]:
    return list(workspace.koma("explain", STILL, "--json").json["takes"])


def restarting(workspace: Workspace, server: ServedComfyUI, command: str) -> None:
    """Give the server a restart command."""
    workspace.write("koma.yaml", comfyui_config(server.url).replace('"}]', f'", restart: {command}}}]'))


def counting(workspace: Workspace) -> str:
    """A restart command that notes each run."""
    script = workspace.write("restart.sh", "echo again >> restarts\n")
    return f"[sh, {script}]"


def restarts(workspace: Workspace) -> int:
    file = workspace.root / "restarts"
    return file.read_text().count("again") if file.exists() else 0


MORE_STEPS = "blurred: {add: {steps: 8}}"


def test_a_take_that_is_not_sharp_is_followed_by_one_with_more_steps_and_everybody_says_so(
    workspace: Workspace, server: ServedComfyUI
) -> None:
    one_still(workspace, MORE_STEPS)
    spoil(server, lambda graph: blurred() if steps_of(graph) < 36 else None)
    workspace.once()
    assert [steps_of(graph) for graph in server.graphs] == [20, 28, 36]
    assert [seed_of(graph) for graph in server.graphs] == [7, derived_seed(STILL, 2), derived_seed(STILL, 3)]
    receipt = workspace.receipt(STILL)
    assert (receipt["number"], receipt["retry"]["kind"], receipt["retry"]["after"]) == (3, "blurred", 2)
    assert receipt["retry"]["changes"] == [{"parameter": "steps", "from": 20, "to": 36}]
    assert receipt["facts"]["parameters.steps"] == 20, "what the documents say is what the next plan compares with"
    assert workspace.verdict(STILL) == "passed"
    assert workspace.actions() == {}
    first, second, third = takes_of(workspace)
    assert [take["kind"] for take in (first, second, third)] == ["blurred", "blurred", ""]
    assert first["render_seconds"] >= 0
    assert len({take["take_key"] for take in (first, second, third)}) == 3
    assert second["made_with"].startswith("new seed, steps 20 -> 28 (take 1: sharpness ")
    text = workspace.koma("explain", STILL).out
    assert "made with new seed, steps 20 -> 36 (take 2: sharpness" in text
    assert "failed (blurred)" in text


def test_the_plan_shows_the_next_take_before_it_is_made(workspace: Workspace, server: ServedComfyUI) -> None:
    one_still(workspace, "", "takes: {still: 1}\n")
    spoil(server, lambda _graph: blurred())
    workspace.once(code=3)
    workspace.edit(PROJECT_FILE, "takes: {still: 1}", f"takes: {{still: 3}}\nretries: {{{MORE_STEPS}}}")
    retake = retake_of(workspace)
    assert (retake["take"], retake["limit"], retake["kind"], retake["after"], retake["seed"]) == (2, 3, "blurred", 1, "new")
    assert retake["changes"] == [{"parameter": "steps", "from": 20, "to": 28}]
    said = workspace.koma("plan").out
    assert "    take 2 of 3: new seed, steps 20 -> 28 (take 1: sharpness " in said
    assert "is not >= 15)" in said
    assert "take 2 of 3: new seed, steps 20 -> 28" in workspace.koma("explain", STILL).out
    workspace.once(code=3)
    assert steps_of(server.graphs[1]) == 28


def test_without_a_word_in_the_project_nothing_but_the_seed_changes(workspace: Workspace, server: ServedComfyUI) -> None:
    one_still(workspace)
    spoil(server, lambda _graph: blurred())
    workspace.once(code=3)
    graphs = [json.dumps(graph).replace(str(seed_of(graph)), "seed") for graph in server.graphs]
    bare = {text.partition('"filename_prefix"')[0] for text in graphs}
    assert (len(graphs), len(bare)) == (3, 1)
    assert workspace.receipt(STILL)["retry"]["changes"] == []


def test_takes_that_are_asked_for_up_front_are_made_alike_and_what_follows_them_learns(workspace: Workspace, server: ServedComfyUI) -> None:
    one_still(workspace, MORE_STEPS, "takes_up_front: {still: 2}\n")
    spoil(server, lambda graph: blurred() if steps_of(graph) < 28 else None)
    workspace.once()
    assert [steps_of(graph) for graph in server.graphs] == [20, 20, 28]
    assert workspace.receipt(STILL)["retry"]["after"] == 2


def test_values_end_at_their_limits_and_takes_at_theirs(workspace: Workspace, server: ServedComfyUI) -> None:
    one_still(workspace, "blurred: {add: {steps: 15}}", "takes: {still: 4}\nrules: {parameters: {steps: {max: 30}}}\n")
    spoil(server, lambda _graph: blurred())
    workspace.once(code=3)
    assert [steps_of(graph) for graph in server.graphs] == [20, 30, 30, 30]
    assert len({seed_of(graph) for graph in server.graphs}) == 4
    assert workspace.receipt(STILL)["retry"]["notes"] == ["steps goes no further than 30"]
    assert workspace.actions()[STILL] == ("hold", "gate-failed")


def test_the_weight_of_characters_rises_and_the_seed_can_stay(workspace: Workspace, server: ServedComfyUI) -> None:
    one_still(workspace, "blurred: {add: {identity_weight: 0.15}, seed: keep}")
    spoil(server, lambda graph: blurred() if weights_of(graph) == ["aki 0.6"] else None)
    workspace.once()
    assert [weights_of(graph) for graph in server.graphs] == [["aki 0.6"], ["aki 0.75"]]
    assert [seed_of(graph) for graph in server.graphs] == [7, 7]
    receipt = workspace.receipt(STILL)
    assert (receipt["seed"], receipt["retry"]["seed"]) == (7, "keep")
    assert receipt["retry"]["changes"] == [{"parameter": "characters.aki.weight", "from": 0.6, "to": 0.75}]
    assert workspace.actions() == {}


@pytest.mark.parametrize("moment", ["job_submitted", "quality_evaluation", "job_complete"])
def test_killed_in_between_the_same_takes_are_made(moment: str, workspace: Workspace, server: ServedComfyUI) -> None:
    one_still(workspace, MORE_STEPS)
    spoil(server, lambda graph: blurred() if steps_of(graph) < 36 else None)
    for count in (1, 2):
        with workspace.start("run") as daemon:
            eventually(lambda n=count: len(workspace.events(moment)) >= n, f"{moment} of take {count}", process=daemon)
            daemon.kill()
    workspace.once()
    assert [steps_of(graph) for graph in server.graphs] == [20, 28, 36]
    assert [seed_of(graph) for graph in server.graphs] == [7, derived_seed(STILL, 2), derived_seed(STILL, 3)]
    assert workspace.receipt(STILL)["number"] == 3


def test_a_store_that_was_lost_comes_to_the_same_next_take(workspace: Workspace, server: ServedComfyUI) -> None:
    one_still(workspace, MORE_STEPS, "takes: {still: 2}\n")
    spoil(server, lambda graph: blurred() if steps_of(graph) < 36 else None)
    workspace.once(code=3)
    workspace.edit(PROJECT_FILE, "takes: {still: 2}", "takes: {still: 3}")
    before = retake_of(workspace)
    workspace.lose_state()
    assert retake_of(workspace) == before
    assert [take["kind"] for take in takes_of(workspace)] == ["blurred", "blurred"]
    workspace.once()
    assert [steps_of(graph) for graph in server.graphs] == [20, 28, 36]


def test_a_take_whose_pixels_are_lost_is_made_again_as_it_was_whatever_the_project_says_now(
    workspace: Workspace, server: ServedComfyUI
) -> None:
    one_still(workspace, MORE_STEPS)
    spoil(server, lambda graph: blurred() if steps_of(graph) < 28 else None)
    workspace.once()
    receipt = workspace.receipt(STILL)
    workspace.edit(PROJECT_FILE, "steps: 8", "steps: 2")
    digest = next(a["file_digest"] for a in receipt["artifacts"] if a["role"] == "object")
    for file in (workspace.root / "outputs/.koma/objects").rglob(f"*{digest[4:]}*"):
        file.unlink()
    workspace.output(STILL, ".png").unlink()
    assert workspace.actions()[STILL] == ("render", "missing-object")
    workspace.once()
    assert [steps_of(graph) for graph in server.graphs] == [20, 28, 28]
    again = workspace.receipt(STILL)
    assert (again["take_key"], again["seed"], again["retry"]) == (receipt["take_key"], receipt["seed"], receipt["retry"])


def test_a_take_with_changes_can_be_reproduced_from_its_receipt(workspace: Workspace, server: ServedComfyUI) -> None:
    one_still(workspace, MORE_STEPS)
    spoil(server, lambda graph: blurred() if steps_of(graph) < 28 else None)
    workspace.once()
    workspace.edit(PROJECT_FILE, MORE_STEPS, "default: {seed: new}")
    done = workspace.koma("reproduce", str(workspace.output(STILL, ".receipt.json")), "--json")
    assert (done.code, done.json["result"]) == (0, "identical")
    assert steps_of(server.graphs[-1]) == 28


def test_a_forced_take_goes_on_from_what_failed(workspace: Workspace, server: ServedComfyUI) -> None:
    one_still(workspace, MORE_STEPS, "takes: {still: 1}\n")
    spoil(server, lambda graph: blurred() if steps_of(graph) < 28 else None)
    workspace.once(code=3)
    assert server.prompts == 1
    workspace.koma("retry", STILL)
    workspace.once()
    assert steps_of(server.graphs[1]) == 28
    assert workspace.receipt(STILL)["number"] == 2


def test_a_take_that_a_person_rejected_is_followed_as_the_project_says(workspace: Workspace, server: ServedComfyUI) -> None:
    one_still(workspace, "rejected: {add: {grain: 0.25}}")
    workspace.once()
    workspace.koma("review", "reject", STILL, "--comment", "left hand")
    retake = retake_of(workspace)
    assert (retake["kind"], retake["changes"]) == ("rejected", [{"parameter": "grain", "from": 0.5, "to": 0.75}])
    workspace.once()
    assert [graph["2"]["inputs"]["strength"] for graph in server.graphs] == [0.5, 0.75]
    assert "rejected" in workspace.receipt(STILL)["retry"]["why"]


# -- black frames --------------------------------------------------------------------------------------------------------


def test_after_two_takes_with_black_frames_the_server_is_restarted_once(workspace: Workspace, server: ServedComfyUI) -> None:
    one_still(workspace, more="takes: {still: 5}\n")
    restarting(workspace, server, counting(workspace))
    marks: list[int] = []
    spoil(server, lambda _graph: black() if marks.append(restarts(workspace)) is None and len(marks) < 5 else None)
    workspace.once()
    assert marks == [0, 0, 1, 1, 1]
    takes = takes_of(workspace)
    assert [take["kind"] for take in takes] == ["black"] * 4 + [""]
    assert [bool(take["retry"] and take["retry"]["restart"]) for take in takes] == [False, False, True, False, False]
    assert takes[3]["retry"]["notes"] == ["no restart: one before take 3 did not help"]
    receipts = [json.loads(file.read_text()) for file in (workspace.output(STILL).parent / "takes").glob("still.*.receipt.json")]
    assert {receipt["number"]: receipt.get("restarts", 0) for receipt in receipts} == {1: 0, 2: 0, 3: 1, 4: 0, 5: 0}


def test_without_a_restart_command_black_frames_are_tried_again_and_the_plan_says_why_not_more(
    workspace: Workspace, server: ServedComfyUI
) -> None:
    one_still(workspace, more="takes: {still: 2}\n")
    spoil(server, lambda _graph: black())
    workspace.once(code=3)
    workspace.edit(PROJECT_FILE, "takes: {still: 2}", "takes: {still: 3}")
    assert "no restart: the backend has no restart command (backends[].restart in koma.yaml)" in workspace.koma("plan").out


def test_a_restart_command_that_fails_is_told_and_the_take_is_made_all_the_same(workspace: Workspace, server: ServedComfyUI) -> None:
    one_still(workspace, "black: {restart: true}")
    restarting(workspace, server, '["false"]')
    spoil(server, lambda _graph: black() if server.prompts == 1 else None)
    workspace.once()
    receipt = workspace.receipt(STILL)
    assert (receipt["number"], receipt["retry"]["restart"], receipt["restarts"]) == (2, True, 1)
    assert "ended with 1" in receipt["restart_failed"]


def test_killed_before_the_restart_it_is_made_by_the_next_start(workspace: Workspace, server: ServedComfyUI) -> None:
    one_still(workspace, "black: {restart: true}")
    workspace.write("slow.sh", "echo again >> restarts; test -e go || sleep 60\n")
    restarting(workspace, server, "[sh, slow.sh]")
    spoil(server, lambda _graph: black() if server.prompts == 1 else None)
    with workspace.start("run") as daemon:
        eventually(lambda: restarts(workspace), "the restart command runs", process=daemon)
        daemon.kill()
    workspace.write("go", "")
    workspace.once()
    assert (restarts(workspace), server.prompts, workspace.receipt(STILL)["number"]) == (2, 2, 2)


# -- clips ---------------------------------------------------------------------------------------------------------------


def test_a_segment_that_fails_is_made_again_with_changes_of_its_own(workspace: Workspace, server: ServedComfyUI) -> None:
    workspace.edit("templates/chainvid/graph.json.j2", '"strength": 0.5', '"strength": {{ grain }}')
    workspace.edit("templates/chainvid/template.yaml", "parameters:\n", f"parameters:\n{GRAIN}")
    workspace.edit(PROJECT_FILE, "video: noisevid", "video: chainvid")
    workspace.append(PROJECT_FILE, "gates: {profile: own, rules: {video: {blank: {max: 0}}}}\nretries: {blank: {add: {grain: 0.25}}}\n")
    workspace.edit(SCENE_FILE, "frames: 4", "frames: 9")
    server.spoils = lambda graph: makes_frames(graph) and sum(map(makes_frames, server.graphs)) == 2
    workspace.once()
    clips = [graph for graph in server.graphs if makes_frames(graph)]
    assert [graph["3"]["inputs"]["strength"] for graph in clips] == [0.5, 0.5, 0.75, 0.5]
    retries = [workspace.receipt(f"{VIDEO}/seg0{number}").get("retry") for number in (1, 2, 3)]
    assert [retry and (retry["kind"], retry["after"]) for retry in retries] == [None, ("blank", 1), None]
    assert "retry" not in workspace.receipt(VIDEO)
    assert workspace.actions() == {}
