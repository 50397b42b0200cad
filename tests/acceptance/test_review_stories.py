"""A person decides: approvals open what a gate had closed, rejections and retakes render, and what is taken back is gone."""

from support.served import ServedComfyUI
from support.workspaces import ADULT, REN, STILL, VIDEO, Workspace

PROJECT_FILE = "projects/demo/project.yaml"
TIGHT = "gates: {rules: {still: {sharpness: {min: 100000000}}}}\ntakes: {still: 1}\n"


def forget(workspace: Workspace, number: int = 0) -> None:
    """Remove a review document: the oldest, or the one after that many."""
    sorted((workspace.root / "projects/demo/reviews").iterdir())[number].unlink()


def test_approved_stills_open_the_video_and_a_removed_review_takes_that_back(workspace: Workspace, server: ServedComfyUI) -> None:
    workspace.append(PROJECT_FILE, TIGHT)
    workspace.once(code=3)
    assert server.prompts == 3  # no still passed: the video is closed
    workspace.koma("review", "approve", STILL, ADULT)
    workspace.once(code=3)
    assert server.prompts == 3  # two of three are not enough
    assert "2 of 3 stills passed, 3 are needed" in workspace.koma("status").out
    workspace.koma("review", "approve", REN)
    workspace.once()
    assert server.prompts == 4
    assert workspace.verdict(STILL) == workspace.verdict(VIDEO) == "passed"
    assert workspace.actions() == {}
    forget(workspace)
    workspace.once(code=3)
    assert server.prompts == 4
    assert workspace.verdict(STILL) == "failed"
    assert workspace.output(VIDEO, ".mp4").is_file()


def test_an_approved_phase_opens_the_next_whatever_the_rate(workspace: Workspace, server: ServedComfyUI) -> None:
    workspace.append(PROJECT_FILE, TIGHT)
    workspace.once(code=3)
    workspace.koma("review", "approve", STILL)
    workspace.koma("review", "approve", "--phase", "still", "demo")
    workspace.once(code=3)  # the two stills still wait for a person
    assert server.prompts == 4
    assert workspace.verdict(VIDEO) == "passed"


def test_a_phase_that_waits_for_a_review_goes_on_with_it(workspace: Workspace, server: ServedComfyUI) -> None:
    workspace.append(PROJECT_FILE, "phase_gate: {auto_advance: false}\n")
    workspace.once(code=3)
    assert server.prompts == 3
    assert "waits for a review: koma review approve --phase still demo" in workspace.koma("status").out
    workspace.koma("review", "approve", "--phase", "still", "demo")
    workspace.once()
    assert server.prompts == 4


def test_a_rejected_take_is_made_again_and_a_retake_once(rendered: Workspace, server: ServedComfyUI) -> None:
    rendered.koma("review", "reject", REN)
    assert rendered.actions() == {REN: ("render", "retake")}
    rendered.once()
    assert server.prompts == 5
    assert rendered.receipt(REN)["number"] == 2
    rendered.koma("review", "retake", ADULT)
    rendered.once()
    rendered.once()
    assert server.prompts == 6
    assert rendered.receipt(ADULT)["number"] == 2


def test_after_the_state_is_lost_reviews_render_nothing_again(rendered: Workspace, server: ServedComfyUI) -> None:
    rendered.koma("review", "reject", REN)
    rendered.koma("review", "retake", ADULT)
    rendered.once()
    assert server.prompts == 6
    rendered.lose_state()
    rendered.once()
    assert server.prompts == 6
    assert rendered.actions() == {}


def test_a_held_target_waits_and_goes_on_after_another_word(workspace: Workspace, server: ServedComfyUI) -> None:
    workspace.koma("review", "hold", VIDEO)
    workspace.once(code=None)
    assert server.prompts == 3
    forget(workspace)
    workspace.once()
    assert server.prompts == 4


def test_an_animatic_is_approved_before_the_server_is_asked_for_anything(workspace: Workspace, server: ServedComfyUI) -> None:
    workspace.edit("projects/demo/s01.yaml", "    seed: 7\n", "    seed: 7\n    phases: [animatic, still]\n")
    workspace.edit("projects/demo/s01.yaml", "[{id: aki, version: adult}]\n    phases: [still]", "[ren]\n    phases: [animatic, still]")
    workspace.once(code=3)
    assert server.prompts == 0
    waits = {target.rpartition("/")[2]: action for target, action in workspace.actions().items() if "sh030" not in target}
    assert waits == {"animatic": ("hold", "review"), "still": ("hold", "waiting")}
    assert workspace.actions()[REN] == ("hold", "phase-closed")  # it has no animatic of its own
    workspace.koma("review", "approve", "s01/*/animatic")
    workspace.once()
    assert server.prompts == 3
