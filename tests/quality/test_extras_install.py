"""The extras bring exactly one ONNX runtime and one OpenCV, and insightface comes beside them without the other ones.

Three looks, from dear to cheap:

- `quality-cpu` as it stands in this environment, which `make setup-quality` has installed with the same recipe as `make quality-cpu`;
- `quality-gpu` in an environment of its own, with the real runtime; what is built on PyTorch is left out, since it is gigabytes, and names
  no runtime;
- the whole of both extras, resolved and not installed.
"""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = [argument for file in sorted((ROOT / "constraints").glob("*.txt")) for argument in ("-c", str(file))]
ON_TORCH = {"torch", "torchvision", "open-clip-torch", "lpips"}

LOOK = """
import json, importlib.metadata as metadata
names = metadata.packages_distributions()
import cv2, insightface.app, onnxruntime
print(json.dumps({
    "cv2": sorted(set(names["cv2"])), "onnxruntime": sorted(set(names["onnxruntime"])),
    "providers": onnxruntime.get_available_providers(), "insightface": metadata.version("insightface"),
}))
"""


def plain(requirement: str) -> str:
    return re.split(r"[<>=!~\[; ]", requirement)[0]


def ran(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def pip(python: str, *arguments: str) -> str:
    return ran(sys.executable, "-m", "pip", "--python", python, "--quiet", "--disable-pip-version-check", *arguments)


def seen(python: str) -> dict:
    return json.loads(ran(python, "-W", "ignore", "-c", LOOK).splitlines()[-1])


def test_this_environment_has_the_runtime_of_the_processor_and_one_opencv():
    found = seen(sys.executable)
    assert found["onnxruntime"] == ["onnxruntime"]
    assert found["cv2"] == ["opencv-python-headless"]


@pytest.fixture(scope="module")
def gpu(tmp_path_factory):
    """An environment as `make quality-gpu` leaves it, without what is built on PyTorch."""
    python = tmp_path_factory.mktemp("gpu") / "venv/bin/python"
    ran(sys.executable, "-m", "venv", "--without-pip", str(python.parents[1]))
    wanted = [name for name in PROJECT["optional-dependencies"]["quality-gpu"] if plain(name) not in ON_TORCH]
    opencv = next(name for name in PROJECT["dependencies"] if plain(name).startswith("opencv"))
    pip(str(python), "install", *PINS, opencv, *wanted)
    pip(str(python), "install", "--no-deps", *PINS, "insightface")
    return str(python)


def test_the_extra_for_a_card_has_its_runtime_alone_and_one_opencv(gpu):
    found = seen(gpu)
    assert found["onnxruntime"] == ["onnxruntime-gpu"]
    assert found["cv2"] == ["opencv-python-headless"]
    assert {"CUDAExecutionProvider", "CPUExecutionProvider"} <= set(found["providers"])


@pytest.mark.parametrize(("extra", "runtime"), [("quality-cpu", "onnxruntime"), ("quality-gpu", "onnxruntime-gpu")])
def test_the_whole_extra_resolves_to_one_runtime_and_one_opencv(extra, runtime):
    options = ["--dry-run", "--ignore-installed", "--no-build-isolation", "--report", "-"]
    report = json.loads(pip(sys.executable, "install", *options, *PINS, f".[{extra}]"))
    names = {re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower() for item in report["install"]}
    assert {name for name in names if name.startswith("onnxruntime")} == {runtime}
    assert {name for name in names if name.startswith("opencv")} == {"opencv-python-headless"}
    assert names > ON_TORCH
    assert "insightface" not in names


def test_the_extras_differ_in_the_runtime_alone():
    cpu, gpu = (set(PROJECT["optional-dependencies"][f"quality-{device}"]) for device in ("cpu", "gpu"))
    assert {plain(name) for name in cpu - gpu} == {"onnxruntime"}
    assert {plain(name) for name in gpu - cpu} == {"onnxruntime-gpu"}


def test_everything_that_is_installed_here_is_pinned():
    pinned = {line for file in (ROOT / "constraints").glob("*.txt") for line in file.read_text().lower().replace("_", "-").splitlines()}
    for found in distributions():
        name = found.metadata["Name"].lower().replace("_", "-")
        if name not in {"koma", "pip", "setuptools"} and not name.startswith(("nvidia-", "cuda-", "triton")):
            assert f"{name}=={found.version.partition('+')[0]}" in pinned


@pytest.mark.parametrize(
    ("target", "runtime", "other"), [("quality-cpu", "onnxruntime", "onnxruntime-gpu"), ("quality-gpu", "onnxruntime-gpu", "onnxruntime")]
)
def test_the_commands_begin_without_either_runtime_where_the_other_one_is(target, runtime, other):
    lines = ran("make", "--dry-run", "--no-print-directory", target).splitlines()
    removal = next(line for line in lines if "uninstall" in line)
    assert f" show {other} " in removal
    assert removal.endswith("uninstall --yes onnxruntime onnxruntime-gpu")
    assert any(f"-e '.[{target}]'" in line for line in lines)
    assert any(line.endswith("insightface") and "--no-deps" in line for line in lines)
    assert lines.index(removal) < next(at for at, line in enumerate(lines) if f"[{target}]" in line)
