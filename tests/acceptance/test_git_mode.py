"""Git mode: what is committed counts, what lies in the work tree does not, but for reference pictures."""

import io
import os
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from support.needs import needs
from support.pictures import drawing
from support.served import ServedComfyUI
from support.workspaces import ADULT, ALL, ANIMATIC_CONFIG, REN, SCENE, STILL, VIDEO, Workspace, comfyui_config, eventually, story

SCENE_FILE, AKI_FILE = "projects/demo/s01.yaml", "projects/demo/aki.yaml"
GIT_SOURCE = "source: {mode: git, debounce_seconds: 0.05, references_settle: 0, rescan_seconds: 1}"
PERSON = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "Aki"), ("EMAIL", "aki@example.org"))}


class Repository:
    """The workspace as a person's clone."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.root), *words], check=True, capture_output=True, text=True, env={**os.environ, **PERSON}, timeout=60
        )
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "a change")
        return self.git("rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def _own_git_settings_only(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("git")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path_factory.mktemp("git") / "config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def committed(root: Path, config: str) -> Workspace:
    lines = [GIT_SOURCE if line.startswith("source:") else line for line in config.splitlines()]
    workspace = story(root, "\n".join(lines) + "\n")
    workspace.write(".gitignore", "outputs/\nprocess-*.log\nreferences/\n")
    repository = Repository(root)
    repository.git("init", "--quiet", "--initial-branch", "main")
    repository.commit()
    return workspace


@pytest.fixture
def workspace(tmp_path: Path, server: ServedComfyUI) -> Workspace:
    return committed(tmp_path, comfyui_config(server.url))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_a_commit_is_rendered_and_named_in_the_receipt(rendered: Workspace, repository: Repository, server: ServedComfyUI) -> None:
    assert server.prompts == 4
    assert {rendered.receipt(target)["commit"] for target in ALL} == {repository.git("rev-parse", "HEAD")}
    rendered.once()
    assert server.prompts == 4


def test_uncommitted_edits_render_nothing_and_a_commit_renders_its_change(
    rendered: Workspace, repository: Repository, server: ServedComfyUI
) -> None:
    before = rendered.pictures()
    rendered.edit(SCENE_FILE, "seed: 7", "seed: 8")
    rendered.edit("templates/noise/graph.json.j2", '"strength": 0.5', '"strength": 0.25')
    rendered.write("projects/demo/new.yaml", "kind: scene\nid: new\nshots: [{id: sh010}]\n")
    (rendered.root / AKI_FILE).unlink()
    assert rendered.actions() == {}
    rendered.once()
    assert server.prompts == 4
    assert rendered.pictures() == before

    repository.git("checkout", "--quiet", "--", AKI_FILE, "templates")
    (rendered.root / "projects/demo/new.yaml").unlink()
    commit = repository.commit()

    assert set(rendered.actions()) == {STILL, VIDEO}
    rendered.once()
    assert server.prompts == 6
    assert rendered.receipt(STILL)["commit"] == commit
    assert rendered.receipt(STILL)["seed"] == 8


def test_a_staged_edit_is_no_commit(rendered: Workspace, repository: Repository) -> None:
    rendered.edit(SCENE_FILE, "seed: 7", "seed: 8")
    repository.git("add", "--all")
    assert rendered.actions() == {}


def test_a_commit_that_renames_and_comments_renders_nothing(rendered: Workspace, repository: Repository, server: ServedComfyUI) -> None:
    (rendered.root / AKI_FILE).rename(rendered.root / "projects/demo/heroine.yaml")
    rendered.write(SCENE_FILE, "# the alley\n" + SCENE)
    repository.commit()
    rendered.once()
    assert server.prompts == 4


def test_a_reverted_commit_brings_everything_back(rendered: Workspace, repository: Repository, server: ServedComfyUI) -> None:
    before = rendered.pictures()
    rendered.edit(AKI_FILE, 'eyes: "#ffbe3c"', 'eyes: "#329646"')
    repository.commit()
    rendered.once()
    assert server.prompts == 7
    repository.git("revert", "--no-edit", "HEAD")
    assert {action for action, _ in rendered.actions().values()} == {"restore"}
    rendered.once()
    assert server.prompts == 7
    assert rendered.pictures() == before


def test_a_commit_that_removes_a_shot_retires_it(rendered: Workspace, repository: Repository) -> None:
    rendered.write(SCENE_FILE, SCENE[: SCENE.index("  - id: sh030")])
    assert rendered.actions() == {}
    repository.commit()
    assert rendered.actions() == {REN: ("retire", "removed")}


def test_another_branch_does_not_count(rendered: Workspace, repository: Repository) -> None:
    rendered.write("koma.yaml", rendered.read("koma.yaml").replace("mode: git,", "mode: git, ref: main,"))
    repository.git("switch", "--quiet", "--create", "experiment")
    rendered.edit(SCENE_FILE, "seed: 7", "seed: 8")
    repository.commit()
    assert rendered.actions() == {}
    repository.git("switch", "--quiet", "main")
    repository.git("merge", "--quiet", "experiment")
    assert set(rendered.actions()) == {STILL, VIDEO}


def test_a_mistake_in_a_commit_is_located_and_holds_what_reads_it(
    rendered: Workspace, repository: Repository, server: ServedComfyUI
) -> None:
    before = rendered.pictures()
    rendered.edit(SCENE_FILE, "framing: close-up", "framing: closeup")
    repository.commit()
    (problem,) = rendered.plan()["problems"]
    assert (problem["file"], problem["line"]) == (SCENE_FILE, 14)
    rendered.write(SCENE_FILE, SCENE)  # mended, but not committed
    rendered.once(code=1)
    assert rendered.actions() == {ADULT: ("hold", "blocked")}
    assert rendered.pictures() == before
    assert server.prompts == 4


def test_a_workspace_without_a_commit_is_one_clear_error(tmp_path: Path) -> None:
    workspace = story(tmp_path, ANIMATIC_CONFIG.replace("{debounce", "{mode: git, debounce"))
    done = workspace.koma("plan")
    assert done.code == 1
    assert "Traceback" not in done.err
    assert "git" in done.err


def test_a_dropped_reference_counts_without_a_commit(tmp_path: Path) -> None:
    workspace = committed(tmp_path, ANIMATIC_CONFIG)
    workspace.once()
    out = io.BytesIO()
    Image.fromarray(drawing(32, 32)).save(out, "PNG")
    workspace.write("projects/demo/references/aki/child/face.png", out.getvalue())
    workspace.edit(SCENE_FILE, "id: sh030", "id: sh031")  # not committed
    assert set(workspace.actions()) == {STILL, VIDEO}
    workspace.once()
    assert len(workspace.events("job_submitted")) == 6
    assert workspace.actions() == {}


def test_a_link_among_the_references_is_told(tmp_path: Path) -> None:
    workspace = committed(tmp_path, ANIMATIC_CONFIG)
    link = tmp_path / "projects/demo/references/aki/face.png"
    link.parent.mkdir(parents=True)
    link.symlink_to("/etc/hostname")
    assert [(problem["code"], problem["file"]) for problem in workspace.plan()["problems"]] == [
        ("symlink", "projects/demo/references/aki/face.png")
    ]


def test_the_daemon_renders_a_commit_when_it_comes(workspace: Workspace, repository: Repository, server: ServedComfyUI) -> None:
    with workspace.start("run") as daemon:
        eventually(lambda: len(workspace.events("published")) == 4, "the first commit is rendered", process=daemon)
        workspace.edit(SCENE_FILE, "seed: 7", "seed: 8")
        passes = len(workspace.events("reconcile_complete"))
        eventually(lambda: len(workspace.events("reconcile_complete")) > passes, "a pass after the edit", process=daemon)
        assert server.prompts == 4
        repository.commit()
        eventually(lambda: len(workspace.events("published")) == 6, "the second commit is rendered", process=daemon)
        assert daemon.stop() == 0
    assert server.prompts == 6
