"""Takes and gates: what fails is tried again within limits, and never replaces what passed; a changed rule renders nothing."""

from support.served import ServedComfyUI, makes_frames, seed_of
from support.workspaces import ADULT, ALL, REN, STILL, VIDEO, Workspace

PROJECT_FILE, SCENE_FILE = "projects/demo/project.yaml", "projects/demo/s01.yaml"
TIGHT = "gates: {rules: {still: {sharpness: {min: 100000000}}}}\n"
STILLS = (STILL, ADULT, REN)


def test_a_changed_threshold_renders_nothing_and_what_now_fails_waits_for_a_person(rendered: Workspace, server: ServedComfyUI) -> None:
    before = rendered.pictures()
    rendered.append(PROJECT_FILE, TIGHT)
    planned = rendered.actions()
    assert {planned[target] for target in STILLS} == {("gate", "rule-changed")}
    rendered.once(code=3)
    assert server.prompts == 4
    assert rendered.pictures() == before
    assert {rendered.actions()[target] for target in STILLS} == {("hold", "gate-changed")}
    assert {rendered.verdict(target) for target in STILLS} == {"failed"}
    rendered.once(code=3)
    assert server.prompts == 4


def test_a_loosened_threshold_promotes_what_is_there(rendered: Workspace, server: ServedComfyUI) -> None:
    before = rendered.pictures()
    project = rendered.read(PROJECT_FILE)
    rendered.append(PROJECT_FILE, TIGHT)
    rendered.once(code=3)
    rendered.write(PROJECT_FILE, project)
    rendered.once()
    assert server.prompts == 4
    assert rendered.pictures() == before
    assert {rendered.verdict(target) for target in ALL} == {"passed"}
    assert rendered.actions() == {}


def test_a_loosened_threshold_publishes_a_take_that_had_failed(workspace: Workspace, server: ServedComfyUI) -> None:
    project = workspace.read(PROJECT_FILE)
    workspace.append(PROJECT_FILE, TIGHT + "takes: {still: 1}\n")
    workspace.once(code=3)
    assert server.prompts == 3
    workspace.write(PROJECT_FILE, project)
    workspace.once()
    assert server.prompts == 4  # the video, whose still is good enough now
    assert workspace.actions() == {}


def test_another_metric_is_measured_without_a_render(rendered: Workspace, server: ServedComfyUI) -> None:
    rendered.append(PROJECT_FILE, "gates: {rules: {still: {frozen: {max: 1, required: false}}}}\n")
    assert {rendered.actions()[target] for target in STILLS} == {("measure", "metric-changed")}
    rendered.once()
    assert server.prompts == 4
    assert rendered.actions() == {}


def test_a_take_that_fails_is_tried_again_with_another_seed_until_one_passes(workspace: Workspace, server: ServedComfyUI) -> None:
    server.spoils = lambda graph: seed_of(graph) == 7 and not makes_frames(graph)
    workspace.once()
    assert server.prompts == 5
    assert workspace.receipt(STILL)["number"] == 2
    assert workspace.receipt(STILL)["seed"] != 7
    assert workspace.verdict(STILL) == "passed"
    failed = list((workspace.output(STILL).parent / "takes").glob("still.*.png"))
    assert len(failed) == 1


def test_takes_end_at_the_limit_and_the_best_failed_one_is_shown_where_none_ever_passed(
    workspace: Workspace, server: ServedComfyUI
) -> None:
    workspace.append(PROJECT_FILE, "takes: {still: 2}\n")
    server.spoils = lambda graph: not makes_frames(graph)
    workspace.once(code=3)
    assert server.prompts == 6  # three stills, two takes each
    actions = workspace.actions()
    assert {actions[target] for target in STILLS} == {("hold", "gate-failed")}
    assert actions[VIDEO] == ("hold", "waiting")
    assert workspace.verdict(STILL) == "failed"
    assert workspace.output(STILL, ".png").is_file()
    assert not workspace.output(VIDEO, ".mp4").exists()
    workspace.once(code=3)
    assert server.prompts == 6


def test_a_take_that_fails_never_replaces_a_published_one_that_passed(rendered: Workspace, server: ServedComfyUI) -> None:
    before = rendered.pictures()
    rendered.edit(SCENE_FILE, "seed: 7", "seed: 8")
    server.spoils = lambda graph: not makes_frames(graph)
    rendered.once(code=3)
    assert server.prompts == 7  # three takes of the still
    assert rendered.pictures() == before
    assert rendered.verdict(STILL) == "passed"
    assert rendered.receipt(STILL)["seed"] == 7
    assert rendered.actions()[STILL] == ("hold", "gate-failed")


def test_a_retry_makes_one_more_take(workspace: Workspace, server: ServedComfyUI) -> None:
    workspace.append(PROJECT_FILE, "takes: {still: 1}\n")
    server.spoils = lambda graph: seed_of(graph) == 7 and not makes_frames(graph)
    workspace.once(code=3)
    assert workspace.actions()[STILL] == ("hold", "gate-failed")
    before = server.prompts
    assert workspace.koma("retry", STILL).code == 0
    workspace.once()
    assert server.prompts == before + 2  # take 2, and the video that waited for it
    assert workspace.receipt(STILL)["number"] == 2
    assert workspace.actions() == {}


def test_a_retry_settles_a_take_that_fails_the_gate_as_it_is_now(rendered: Workspace, server: ServedComfyUI) -> None:
    rendered.append(PROJECT_FILE, "gates: {rules: {still: {sharpness: {max: 0.5}}}}\n")
    rendered.once(code=3)
    assert rendered.actions()[REN] == ("hold", "gate-changed")
    rendered.koma("retry", REN)
    rendered.once(code=3)
    assert server.prompts == 5
    assert rendered.actions()[REN] == ("hold", "gate-changed")
    assert rendered.receipt(REN)["number"] == 1


def test_several_takes_up_front_are_all_made_and_the_best_is_chosen(workspace: Workspace, server: ServedComfyUI) -> None:
    workspace.append(SCENE_FILE, "    takes: 3\n")
    workspace.once()
    assert server.prompts == 6
    assert len(list((workspace.output(REN).parent / "takes").glob("still.*.receipt.json"))) == 3
    assert workspace.verdict(REN) == "passed"
    assert workspace.actions() == {}


def test_a_failed_take_up_front_is_not_chosen(workspace: Workspace, server: ServedComfyUI) -> None:
    workspace.append(SCENE_FILE, "    takes: 2\n    seed: 99\n")
    server.spoils = lambda graph: seed_of(graph) == 99
    workspace.once()
    assert workspace.receipt(REN)["number"] == 2
    assert workspace.verdict(REN) == "passed"
    assert server.prompts == 5


def test_an_error_at_the_server_is_told_and_kept_with_the_take(workspace: Workspace, server: ServedComfyUI) -> None:
    workspace.edit(SCENE_FILE, "    phases: [still]\n  - id: sh030", "    phases: [still]\n    hold: true\n  - id: sh030")
    workspace.edit(SCENE_FILE, "    frames: 4\n", "    frames: 4\n    hold: true\n")
    server.fail_next("error")
    server.fail_next("error")
    done = workspace.once(code=3)
    assert workspace.actions()[REN] == ("hold", "resting")
    assert "mat1 and mat2 shapes cannot be multiplied" in done.err
    kept = workspace.output(REN).parent / "takes"
    assert "mat1 and mat2 shapes" in next(kept.glob("still.*.log")).read_text()
    assert not workspace.output(REN, ".png").exists()
    before = server.prompts
    workspace.once(code=3)
    assert server.prompts == before
    workspace.koma("retry", REN)
    workspace.once()
    assert workspace.verdict(REN) == "passed"
