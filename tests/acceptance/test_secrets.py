"""A secret that Koma is given goes to the server that it is for, and stands nowhere afterwards: no file, no message, no page."""

import socket
import urllib.request
import zipfile
from pathlib import Path

import pytest

from support.served import ServedComfyUI
from support.workspaces import STILL, Workspace, comfyui_config, eventually, story

WORD = "correcthorsebatterystaple"
BASIC = "ZGlyZWN0b3I6Y29ycmVjdGhvcnNlYmF0dGVyeXN0YXBsZQ=="  # director:WORD
HIDDEN = (WORD.encode(), BASIC.encode())
COMMANDS = (
    ("check",),
    ("plan",),
    ("plan", "--json"),
    ("status", "--json"),
    ("explain", STILL),
    ("explain", STILL, "--json"),
    ("explain", STILL, "--bundle", "bundle.zip"),
    ("doctor",),
    ("doctor", "--json"),
    ("events",),
    ("events", "--json"),
    ("gc",),
    ("models",),
    ("signatures", "http://director:" + WORD + "@127.0.0.1:9"),
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def by_variable(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("KOMA_BACKENDS__0__URL", url.replace("//", f"//director:{WORD}@"))
    monkeypatch.setenv("KOMA_SOURCE__REPOSITORY", f"https://director:{WORD}@127.0.0.1:9/story.git")
    assert workspace.read("koma.yaml")


def by_file(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    secret = workspace.root.parent / "login"
    secret.write_text(f"director:{WORD}\n")
    workspace.edit("koma.yaml", f'url: "{url}"', f'url: "{url}", login_file: "{secret}"')
    assert monkeypatch is not None


@pytest.fixture(params=[by_variable, by_file], ids=["in a variable", "in a file"])
def secretive(request: pytest.FixtureRequest, tmp_path: Path, server: ServedComfyUI, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    workspace = story(tmp_path / "workspace", comfyui_config(server.url))
    request.param(workspace, monkeypatch, server.url)
    monkeypatch.chdir(workspace.root)
    return workspace


def told(workspace: Workspace) -> str:
    """Everything that commands say."""
    return "".join(str(workspace.koma(*command)) for command in COMMANDS)


def places(root: Path) -> list[str]:
    """Files in which it stands; a .zip is unpacked."""
    found = []
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        contents = [file.read_bytes()]
        if file.suffix == ".zip":
            with zipfile.ZipFile(file) as archive:
                contents += [archive.read(name) for name in archive.namelist()]
        found += [str(file) for content in contents if any(word in content for word in HIDDEN)]
    return found


def test_a_secret_stands_nowhere(secretive: Workspace, server: ServedComfyUI) -> None:
    done = secretive.once()
    server.fail_next()
    secretive.edit("projects/demo/s01.yaml", "seed: 7", "seed: 8")
    failed = secretive.once(code=None)
    said = told(secretive)
    server.go_away()
    secretive.edit("projects/demo/s01.yaml", "seed: 8", "seed: 9")
    down = f"{secretive.once(code=1)}{told(secretive)}"
    server.come_back()

    assert len(said) > 1000
    assert "does not answer" in down
    assert (secretive.root / "bundle.zip").stat().st_size > 1000
    assert [word for word in HIDDEN if word.decode() in f"{done}{failed}{said}{down}"] == []
    assert places(secretive.root) == []


def test_a_secret_is_on_no_page_of_the_daemon_and_not_in_its_log(secretive: Workspace) -> None:
    port = free_port()
    secretive.edit("koma.yaml", "http: {enabled: false}", f"http: {{port: {port}}}\nlog: {{level: debug}}")
    with secretive.start("run") as daemon:
        eventually(lambda: len(secretive.events("published")) == 4, "everything is published", process=daemon)
        pages = [
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10).read() for path in ("/metrics", "/status.json", "/healthz")
        ]
        assert daemon.stop() == 0
        said = daemon.said
    assert len(said) > 1000
    assert [word for word in HIDDEN if any(word in page for page in pages) or word.decode() in said] == []
    assert places(secretive.root) == []


@pytest.mark.parametrize("field", ["url", "backend", "backends", "server", "host"])
@pytest.mark.parametrize("file", ["project.yaml", "s01.yaml", "aki.yaml", "templates/noise/template.yaml"])
def test_no_document_says_where_a_server_is(field: str, file: str, workspace: Workspace) -> None:
    path = file if file.startswith("templates/") else f"projects/demo/{file}"
    if (file, field) == ("templates/noise/template.yaml", "backend"):
        workspace.edit(path, "backend: comfyui", "backend: http://169.254.169.254")
    else:
        workspace.append(path, f'{field}: "http://169.254.169.254"\n')
    (problem,) = [one for one in workspace.plan()["problems"] if one["file"] == path]
    assert problem["code"] in {"unknown-field", "unknown-value"}
