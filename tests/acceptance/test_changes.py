"""Edit one thing, and only what it touches renders again, with the reason."""

from collections.abc import Callable
from typing import Any

import pytest

from support.served import ServedComfyUI
from support.workspaces import ADULT, AKI_DOC, REN, SCENE, STILL, VIDEO, Workspace

SCENE_FILE, AKI_FILE, PROJECT_FILE = "projects/demo/s01.yaml", "projects/demo/aki.yaml", "projects/demo/project.yaml"


def fields(plan: Any, target: str) -> list[tuple[str, Any, Any, str]]:
    """What changed in one target: (field, old, new, file:line)."""
    action = next(action for action in plan["actions"] if action["target"] == target)
    return [(c["field"], c["old"], c["new"], f"{c['file']}:{c['line']}") for c in action["changed"]]


def test_a_changed_seed_renders_that_shot_and_what_is_made_from_it(rendered: Workspace, server: ServedComfyUI) -> None:
    rendered.edit(SCENE_FILE, "seed: 7", "seed: 8")
    plan = rendered.plan()
    assert rendered.actions() == {STILL: ("render", "changed"), VIDEO: ("render", "changed")} or rendered.actions() == {
        STILL: ("render", "changed"),
        VIDEO: ("render", "upstream"),
    }
    line = SCENE.splitlines().index("    seed: 7") + 1
    assert fields(plan, STILL) == [("seed", 7, 8, f"{SCENE_FILE}:{line}")]
    video = next(action for action in plan["actions"] if action["target"] == VIDEO)
    assert (video["certain"], video["root_cause"], video["cause"]) == (False, False, STILL)
    assert "seed: 7 -> 8" in rendered.koma("plan").out

    before = rendered.pictures()
    rendered.once()

    assert server.prompts == 6
    after = rendered.pictures()
    assert {path for path in after if after[path] != before[path]} == {f"{STILL}.png", f"{VIDEO}.mp4"}
    assert rendered.actions() == {}


def test_a_changed_palette_renders_every_shot_in_which_the_character_appears(rendered: Workspace, server: ServedComfyUI) -> None:
    rendered.edit(AKI_FILE, 'eyes: "#ffbe3c"', 'eyes: "#329646"')
    actions = rendered.actions()
    assert set(actions) == {STILL, VIDEO, ADULT}
    assert actions[STILL] == actions[ADULT] == ("render", "changed")
    assert ("characters.aki.palette.eyes", "#ffbe3c", "#329646", f"{AKI_FILE}:5") in fields(rendered.plan(), ADULT)
    rendered.once()
    assert server.prompts == 7


def test_a_changed_palette_of_one_version_renders_the_shots_with_that_version_alone(rendered: Workspace, server: ServedComfyUI) -> None:
    rendered.edit(AKI_FILE, 'hair: "#6e4628"', 'hair: "#c81e28"')
    assert set(rendered.actions()) == {STILL, VIDEO}
    assert ("characters.aki.palette.hair", "#6e4628", "#c81e28", f"{AKI_FILE}:7") in fields(rendered.plan(), STILL)
    rendered.once()
    assert server.prompts == 6


def test_a_changed_palette_that_a_version_covers_touches_the_other_versions_alone(rendered: Workspace) -> None:
    rendered.edit(AKI_FILE, 'hair: "#2d55c8"', 'hair: "#c81e28"')
    assert set(rendered.actions()) == {ADULT}


def test_an_edit_that_leaves_the_graph_as_it_was_renders_nothing(rendered: Workspace, server: ServedComfyUI) -> None:
    rendered.edit(AKI_FILE, 'hair: "#2d55c8"', 'hair: "#2d55c9"')  # the words for it are the same, what it is compared with is not
    assert rendered.actions() == {ADULT: ("measure", "metric-changed")}
    rendered.once()
    assert server.prompts == 4
    rendered.append(AKI_FILE, "backstory: Grew up above the print shop.\n")
    assert rendered.actions() == {}


def test_equal_pixels_stop_the_cascade(workspace: Workspace, server: ServedComfyUI) -> None:
    server.draws_words = False
    workspace.once()
    workspace.edit(AKI_FILE, 'hair: "#6e4628"', 'hair: "#c81e28"')
    assert set(workspace.actions()) == {STILL, VIDEO}
    workspace.once()
    assert server.prompts == 5
    assert workspace.actions() == {}


def test_a_changed_template_renders_what_is_made_with_it(rendered: Workspace, server: ServedComfyUI) -> None:
    rendered.edit("templates/noisevid/graph.json.j2", '"strength": 0.5', '"strength": 0.25')
    assert rendered.actions() == {VIDEO: ("render", "changed")}
    assert [field[0] for field in fields(rendered.plan(), VIDEO)] == ["template.noisevid"]
    rendered.once()
    assert server.prompts == 5


def _rename(workspace: Workspace) -> None:
    (workspace.root / AKI_FILE).rename(workspace.root / "projects/demo/heroine.yaml")


def _move(workspace: Workspace) -> None:
    folder = workspace.root / "projects/demo/act-one/scenes"
    folder.mkdir(parents=True)
    (workspace.root / SCENE_FILE).rename(folder / "opening.yaml")


def _reorder(workspace: Workspace) -> None:
    lines = AKI_DOC.splitlines()
    workspace.write(AKI_FILE, "\n".join([lines[4], lines[3], lines[2], lines[0], lines[5], lines[7], lines[6], lines[1]]) + "\n")


def _reorder_shots(workspace: Workspace) -> None:
    head, first, second, third = SCENE.split("  - id: ")
    workspace.write(SCENE_FILE, f"{head}  - id: {third}  - id: {first}  - id: {second}")


def _comment(workspace: Workspace) -> None:
    workspace.write(SCENE_FILE, "# the alley, at last\n\n" + SCENE.replace("frames: 4", "frames: 4   # half a second"))


def _one_file(workspace: Workspace) -> None:
    workspace.append(PROJECT_FILE, "---\n" + AKI_DOC)
    (workspace.root / AKI_FILE).unlink()


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(_rename, id="a file is renamed"),
        pytest.param(_move, id="a file moves into folders"),
        pytest.param(_reorder, id="keys change places"),
        pytest.param(_reorder_shots, id="shots change places"),
        pytest.param(_comment, id="comments and blank lines come in"),
        pytest.param(_one_file, id="two documents go into one file"),
    ],
)
def test_nothing_renders_when(act: Callable[[Workspace], None], rendered: Workspace, server: ServedComfyUI) -> None:
    before = rendered.pictures()
    act(rendered)
    assert rendered.actions() == {}
    rendered.once()
    assert server.prompts == 4
    assert rendered.pictures() == before


def test_a_revert_brings_everything_back_without_a_render(rendered: Workspace, server: ServedComfyUI) -> None:
    before = rendered.pictures()
    rendered.edit(SCENE_FILE, "seed: 7", "seed: 8")
    rendered.once()
    assert server.prompts == 6
    rendered.edit(SCENE_FILE, "seed: 8", "seed: 7")
    assert rendered.actions() == {STILL: ("restore", "reverted"), VIDEO: ("restore", "reverted")}
    assert rendered.plan()["estimated_gpu_seconds"]["p50"] == 0
    rendered.once()
    assert server.prompts == 6
    assert rendered.pictures() == before
    assert rendered.actions() == {}


def test_a_revert_works_after_the_state_was_lost(rendered: Workspace, server: ServedComfyUI) -> None:
    before = rendered.pictures()
    rendered.edit(SCENE_FILE, "seed: 7", "seed: 8")
    rendered.once()
    rendered.lose_state()
    rendered.edit(SCENE_FILE, "seed: 8", "seed: 7")
    rendered.once()
    assert server.prompts == 6
    assert rendered.pictures() == before


def test_a_new_shot_renders_and_the_others_are_left_alone(rendered: Workspace, server: ServedComfyUI) -> None:
    rendered.append(SCENE_FILE, "  - {id: sh040, phases: [still], characters: [ren]}\n")
    assert rendered.actions() == {"demo/s01/sh040/still": ("render", "new")}
    rendered.once()
    assert server.prompts == 5


def test_another_length_renders_the_video_and_not_its_still(rendered: Workspace, server: ServedComfyUI) -> None:
    rendered.edit(SCENE_FILE, "frames: 4", "frames: 6")
    assert rendered.actions() == {VIDEO: ("render", "changed")}
    rendered.once()
    assert server.prompts == 5
    assert rendered.actions() == {}


def test_excluded_targets_and_other_renditions_are_left_out_of_a_plan(rendered: Workspace) -> None:
    rendered.edit(AKI_FILE, 'eyes: "#ffbe3c"', 'eyes: "#329646"')
    assert set(rendered.actions("--exclude", "demo/s01/sh010")) == {ADULT}
    assert set(rendered.actions("demo/s01/sh010")) == {STILL, VIDEO}
    assert rendered.actions(REN) == {}
    assert {reason for _, reason in rendered.actions("--rendition", "draft").values()} == {"new", "upstream"}
