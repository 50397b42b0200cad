"""The house keeps its own rules: pins, start-up time, skips."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINS = sorted((ROOT / "constraints").glob("*.txt"))


def koma(*args: str, importtime: bool = False, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    flags = ["-X", "importtime"] if importtime else []
    return subprocess.run([sys.executable, *flags, "-m", "koma", *args], capture_output=True, text=True, check=False, cwd=cwd)


def imported(stderr: str) -> set[str]:
    return {line.rpartition("|")[2].strip() for line in stderr.splitlines() if line.startswith("import time:")}


@pytest.mark.parametrize("file", PINS, ids=lambda file: file.name)
def test_a_constraint_file_holds_exact_versions_and_nothing_else(file):
    for line in file.read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.!+-]+", line), line


def test_every_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [
        *project["project"]["dependencies"],
        *(name for extra in project["project"]["optional-dependencies"].values() for name in extra),
        *project["build-system"]["requires"],
    ]
    pinned = {normal(line.partition("==")[0]) for file in PINS for line in file.read_text().splitlines()}
    assert {normal(re.split(r"[<>=!~\[ ]", name)[0]) for name in wanted} <= pinned


def test_no_version_is_pinned_twice():
    names = [normal(line.partition("==")[0]) for file in PINS for line in file.read_text().splitlines()]
    assert len(names) == len(set(names))


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


HEAVY = {"typer", "click", "rich", "argparse", "yaml", "pydantic", "jinja2", "httpx", "numpy", "PIL", "structlog", "dataclasses"}


def test_version_imports_nothing_heavy():
    done = koma("--version", importtime=True)
    assert done.returncode == 0
    assert done.stdout.startswith("koma ")
    assert {"koma", "sys"} & imported(done.stderr)
    assert not HEAVY & imported(done.stderr)


def test_help_imports_no_command_line_library():
    done = koma("--help", importtime=True)
    assert "koma.cli" in imported(done.stderr)
    assert not {"typer", "click", "rich", "yaml", "pydantic"} & imported(done.stderr)


def test_loading_cached_settings_imports_no_yaml():
    code = "from pathlib import Path; from koma.config import load; load(Path('.'), {}, parsed={})"
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "koma.config" in imported(done.stderr)
    assert not {"yaml", "pydantic", "typer", "difflib", "dataclasses", "koma.core.problem"} & imported(done.stderr)


SKIPPING = """
import pytest
from support.needs import needs, real_comfyui
def test_tool():
    needs("no-such-program-anywhere")
def test_mark():
    pytest.importorskip("no_such_module_anywhere")
def test_opt_in():
    real_comfyui()
"""


@pytest.mark.parametrize(("require_all", "outcome"), [("0", "3 skipped"), ("1", "2 failed, 1 skipped")])
def test_a_skip_fails_when_everything_is_required_but_not_an_opt_in(tmp_path, require_all, outcome):
    (tmp_path / "test_skipping.py").write_text(SKIPPING)
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    env = {**os.environ, "KOMA_REQUIRE_ALL": require_all, "PYTHONPATH": str(ROOT / "tests")}
    env.pop("KOMA_COMFYUI_URL", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=env)
    assert outcome in done.stdout
