"""What a person asks for: hold, renames, removal, a held plan, pause, cancel; and the exit codes that say how it stands."""

import re

import pytest

from support.served import ServedComfyUI
from support.workspaces import ADULT, ALL, REN, STILL, VIDEO, Workspace, comfyui_config

SCENE_FILE, PROJECT_FILE = "projects/demo/s01.yaml", "projects/demo/project.yaml"


def test_a_shot_on_hold_is_not_rendered_until_it_is_let_go(workspace: Workspace, server: ServedComfyUI) -> None:
    workspace.append(SCENE_FILE, "    hold: true\n")
    workspace.once()
    assert server.prompts == 3
    assert workspace.actions() == {REN: ("hold", "held-by-spec")}
    workspace.edit(SCENE_FILE, "    hold: true\n", "")
    workspace.once()
    assert server.prompts == 4


def test_a_published_shot_on_hold_stays_where_it_is(rendered: Workspace, server: ServedComfyUI) -> None:
    before = rendered.pictures()
    rendered.append(SCENE_FILE, "    hold: true\n    seed: 5\n")
    rendered.once()
    assert server.prompts == 4
    assert rendered.pictures() == before


def test_a_moved_shot_keeps_its_pictures_without_a_render(rendered: Workspace, server: ServedComfyUI) -> None:
    before = rendered.pictures()
    rendered.edit(SCENE_FILE, "id: sh010", "id: sh005")
    rendered.append(PROJECT_FILE, "moved: {s01/sh010: s01/sh005}\n")
    assert not [action for action, _ in rendered.actions().values() if action == "render"]
    rendered.once()
    assert server.prompts == 4
    after = rendered.pictures()
    assert after[f"{STILL.replace('sh010', 'sh005')}.png"] == before[f"{STILL}.png"]
    assert after[f"{VIDEO.replace('sh010', 'sh005')}.mp4"] == before[f"{VIDEO}.mp4"]
    assert len(after) == 4
    assert rendered.actions() == {}
    rendered.once()
    assert server.prompts == 4


def test_a_moved_shot_without_a_seed_of_its_own_keeps_its_pictures_too(rendered: Workspace, server: ServedComfyUI) -> None:
    before = rendered.pictures()
    rendered.edit(SCENE_FILE, "id: sh030", "id: sh300")
    rendered.append(PROJECT_FILE, "moved: {s01/sh030: s01/sh300}\n")
    rendered.once()
    assert server.prompts == 4
    assert rendered.pictures()["demo/s01/sh300/still.png"] == before[f"{REN}.png"]


def test_a_moved_shot_survives_the_loss_of_the_state(rendered: Workspace, server: ServedComfyUI) -> None:
    rendered.edit(SCENE_FILE, "id: sh010", "id: sh005")
    rendered.append(PROJECT_FILE, "moved: {s01/sh010: s01/sh005}\n")
    rendered.once()
    rendered.lose_state()
    rendered.once()
    assert server.prompts == 4
    assert rendered.actions() == {}


def test_two_shots_can_change_names_without_a_render(rendered: Workspace, server: ServedComfyUI) -> None:
    before = rendered.pictures()
    scene = rendered.read(SCENE_FILE).replace("id: sh020", "id: other").replace("id: sh030", "id: sh020").replace("id: other", "id: sh030")
    rendered.write(SCENE_FILE, scene)
    rendered.append(PROJECT_FILE, "moved: {s01/sh020: s01/sh030, s01/sh030: s01/sh020}\n")
    rendered.once()
    after = rendered.pictures()
    assert (after[f"{ADULT}.png"], after[f"{REN}.png"]) == (before[f"{REN}.png"], before[f"{ADULT}.png"])
    assert server.prompts == 4
    assert rendered.actions() == {}


def test_a_draft_lies_beside_the_final_and_replaces_nothing(
    rendered: Workspace, server: ServedComfyUI, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rendered.pictures()
    monkeypatch.setenv("KOMA_RENDITION", "draft")
    rendered.once()
    assert server.prompts == 8
    after = rendered.pictures()
    assert set(after) == set(before) | {path.replace(".", ".draft.") for path in before}
    assert {path: after[path] for path in before} == before
    monkeypatch.delenv("KOMA_RENDITION")
    assert rendered.actions() == {}


def test_what_nobody_wants_any_more_is_retired_and_can_come_back(rendered: Workspace, server: ServedComfyUI) -> None:
    before = rendered.pictures()
    scene = rendered.read(SCENE_FILE)
    rendered.write(SCENE_FILE, scene[: scene.index("  - id: sh030")])
    assert rendered.actions() == {REN: ("retire", "removed")}
    rendered.once()
    assert f"{REN}.png" not in rendered.pictures()
    retired = list((rendered.root / "outputs/.koma/retired").rglob("still.png"))
    assert [file.read_bytes() for file in retired] == [before[f"{REN}.png"]]
    rendered.write(SCENE_FILE, scene)
    rendered.once()
    assert rendered.pictures() == before
    assert server.prompts == 4


def many(workspace: Workspace, shots: int) -> None:
    workspace.write(
        "projects/demo/many.yaml", "kind: scene\nid: many\nphases: [still]\nshots:\n" + "".join(f"  - id: c{n:03}\n" for n in range(shots))
    )


def test_a_plan_that_retires_more_than_half_is_held_until_exactly_it_is_allowed(rendered: Workspace, server: ServedComfyUI) -> None:
    many(rendered, 10)
    rendered.once()
    before = rendered.pictures()
    (rendered.root / "projects/demo/many.yaml").unlink()
    plan = rendered.plan()
    assert plan["held"]
    done = rendered.once(code=3)
    assert rendered.pictures() == before
    digest = re.search(r"--allow ([0-9a-f]{16})", done.err)
    assert digest, done.err
    assert digest[1] == plan["plan"]
    rendered.once("--allow", "0" * 16, code=3)
    assert rendered.pictures() == before
    rendered.once("--allow", digest[1])
    assert len(rendered.pictures()) == 4
    assert server.prompts == 14


def test_a_plan_that_costs_more_than_allowed_is_held(workspace: Workspace, server: ServedComfyUI) -> None:
    workspace.write("koma.yaml", comfyui_config(server.url, "safety: {max_gpu_minutes: 0.1}\n"))
    workspace.once(code=3)
    assert server.prompts == 0
    plan = workspace.plan()
    assert "GPU minutes" in plan["held"][0]
    assert f"koma run --allow {plan['plan']}" in workspace.koma("plan").out
    workspace.once("--allow", plan["plan"])
    assert server.prompts == 4


def test_an_empty_watched_folder_retires_nothing(rendered: Workspace) -> None:
    before = rendered.pictures()
    (rendered.root / "projects").rename(rendered.root / "elsewhere")
    done = rendered.once(code=3)
    assert "project demo is gone, with 4 targets published" in done.err
    assert rendered.pictures() == before


def test_a_cancelled_target_waits_until_it_is_retried(workspace: Workspace, server: ServedComfyUI) -> None:
    assert workspace.koma("cancel", REN).code == 0
    workspace.once(code=3)
    assert server.prompts == 3
    assert workspace.actions() == {REN: ("hold", "cancelled")}
    workspace.koma("retry", REN)
    workspace.once()
    assert server.prompts == 4


def test_nothing_starts_while_paused(workspace: Workspace, server: ServedComfyUI) -> None:
    workspace.koma("pause")
    workspace.once(code=None)
    assert server.prompts == 0
    workspace.koma("resume")
    workspace.once()
    assert server.prompts == 4


def test_a_name_that_means_no_target_is_a_mistake_with_the_nearest_one(workspace: Workspace) -> None:
    done = workspace.koma("retry", "demo/s01/sh01")
    assert done.code == 2
    assert "demo/s01/sh01" in done.err
    assert not list((workspace.root / "outputs").rglob("inbox/*.json"))


def test_exit_codes_say_ready_waiting_or_wrong(workspace: Workspace, server: ServedComfyUI) -> None:
    assert workspace.koma("run", "--once").code == 0
    workspace.append(PROJECT_FILE, "gates: {rules: {still: {sharpness: {min: 100000000}}}}\n")
    assert workspace.koma("run", "--once").code == 3
    workspace.append(SCENE_FILE, "    sed: 3\n")
    assert workspace.koma("run", "--once").code == 1
    assert set(workspace.pictures()) == {f"{target}.{'mp4' if target == VIDEO else 'png'}" for target in ALL}
    assert server.prompts == 4


def test_detailed_exit_codes_of_a_plan_say_whether_something_would_change(workspace: Workspace) -> None:
    assert workspace.koma("plan", "--detailed-exitcode").code == 2
    assert workspace.koma("plan").code == 0
    workspace.once()
    assert workspace.koma("plan", "--detailed-exitcode").code == 0
