"""What loads ONNX models: one runtime, verified files, declared roles, and the provider that really ran."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from koma.core.metrics import METRICS
from koma.measures.learned import registry, runtime
from koma.measures.learned.registry import LEARNED, MODULES, learned_meter, unavailable
from koma.measures.learned.runtime import CPU, CUDA, PROVIDERS, Shape, open_network, release, runtime_fault
from koma.measures.learned.store import ModelBrokenError, Models
from koma.measures.setting import Setting
from support.against import read, setting_of
from support.needs import needs_module
from support.tiny_onnx import canvas, ccip_features, ccip_metric, detector, models_in, recogniser

FACE = canvas((320, 320, (200, 30, 30)))
ANY = Shape((None, 3, None, None), (512,))


@pytest.fixture(autouse=True)
def _fresh():
    needs_module("onnxruntime")
    needs_module("onnx")
    release()
    yield
    release()


@pytest.fixture(name="models")
def _models(tmp_path: Path) -> Models:
    return models_in(tmp_path / "models", {"face-detector": detector(), "face-recogniser": recogniser()})


def count(folder: Path, models: Any, device: str = "cpu"):
    return read("face-count", setting_of(folder, models, device=device), FACE)


def test_every_learned_metric_has_a_maker_and_names_what_it_imports():
    learned = {metric for metric, spec in METRICS.items() if spec.extra}
    assert set(LEARNED) == learned == set(MODULES)


@pytest.mark.parametrize("metric", sorted(LEARNED))
def test_a_learned_metric_without_models_is_unmeasured_and_says_what_to_do(metric: str, tmp_path: Path):
    setting = setting_of(tmp_path, models_in(tmp_path / "models", {}), {"aki": [FACE]})
    found = read(metric, setting, FACE)
    for one in found.values() if isinstance(found, dict) else [found]:
        assert (one.value, one.failed) == (None, False)
        assert "; do: " in one.why


@pytest.mark.parametrize("module", ["onnxruntime", "insightface"])
def test_a_missing_extra_is_unmeasured_and_named_with_the_command(
    module: str, tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch
):
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    found = count(tmp_path, models)
    assert (found.value, found.failed) == (None, False)
    assert found.why == f"the Python package `{module}` is not installed; do: make quality-cpu   (with an NVIDIA GPU: make quality-gpu)"
    assert found.record["weights"][0]["sha256"] == models.digest("face-detector")
    assert unavailable("face-count", setting_of(tmp_path, models)) == found.why


def test_a_package_that_is_there_and_fails_is_an_error(tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "site" / "insightface"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('libfaces.so.1: cannot open shared object file')")
    for name in [name for name in sys.modules if name.partition(".")[0] == "insightface"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(folder.parent)
    found = count(tmp_path, models)
    assert (found.value, found.failed) == (None, True)
    assert "can't be imported: libfaces.so.1" in found.why


@pytest.mark.parametrize(
    ("files", "metric", "words"),
    [
        pytest.param(
            {"face-detector": recogniser()}, "face-count", "expected input any x 3 x any x any and outputs", id="a recogniser detects"
        ),
        pytest.param(
            {"face-detector": detector(outputs=6)}, "face-count", "outputs that end in 1 x 1 x 1 x 4 x 4 x 4;", id="no five points"
        ),
        pytest.param({"face-detector": ccip_metric()}, "face-count", "it has input any x 768", id="a model without pictures"),
        pytest.param(
            {"face-detector": detector(), "face-recogniser": ccip_features()},
            "face-similarity",
            "it has input any x 3 x 384 x 384 and outputs that end in 768; expected input any x 3 x 112 x 112 and outputs that end in 512",
            id="CCIP's features recognise",
        ),
        pytest.param(
            {"face-detector": detector(), "face-recogniser": recogniser(length=256)},
            "face-similarity",
            "outputs that end in 256",
            id="256 numbers",
        ),
        pytest.param(
            {"face-detector": detector(), "face-recogniser": detector()},
            "face-similarity",
            "can't be face-recogniser",
            id="a detector recognises",
        ),
    ],
)
def test_a_model_in_a_role_that_it_does_not_fit_is_an_error_in_words(tmp_path: Path, files: dict[str, bytes], metric: str, words: str):
    setting = setting_of(tmp_path, models_in(tmp_path / "models", files), {"aki": [FACE]})
    found = read(metric, setting, FACE)
    one = found["aki"] if isinstance(found, dict) else found
    assert (one.value, one.failed) == (None, True)
    assert words in one.why
    assert "--replace" in one.why


def unknown_operator() -> bytes:
    from onnx import ModelProto

    model = ModelProto.FromString(recogniser())
    model.graph.node[0].op_type = "MostlyPool"
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("data", "failed", "words"),
    [
        pytest.param(b"", True, "it is empty", id="of zero bytes"),
        pytest.param(recogniser()[:-100] if find_spec("onnx") else b"", True, "can't be used as face-detector", id="cut off"),
        pytest.param(b"<html>not found</html>" * 9, True, "can't be used as face-detector", id="of something else"),
        pytest.param(
            unknown_operator() if find_spec("onnx") else b"", True, "can't be loaded as face-detector", id="with unknown operators"
        ),
    ],
)
def test_a_file_that_is_no_model_is_an_error(tmp_path: Path, data: bytes, failed: bool, words: str):
    found = count(tmp_path, models_in(tmp_path / "models", {"face-detector": data}))
    assert (found.value, found.failed) == (None, failed)
    assert words in found.why


def test_a_file_with_another_digest_is_an_error_and_is_never_loaded(tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch):
    file = models.path("face-detector")
    file.write_bytes(file.read_bytes() + recogniser())
    monkeypatch.setattr(runtime, "_session", lambda *_: pytest.fail("it was loaded"))
    found = count(tmp_path, models)
    assert (found.value, found.failed) == (None, True)
    assert "is not the file that was added as face-detector" in found.why


def test_a_file_that_is_gone_is_unmeasured(tmp_path: Path, models: Models):
    models.path("face-detector").unlink()
    found = count(tmp_path, models)
    assert (found.value, found.failed) == (None, False)
    assert "is gone" in found.why


def test_outside_of_a_workspace_it_is_unmeasured(tmp_path: Path):
    found = count(tmp_path, None)
    assert (found.value, found.failed) == (None, False)
    assert found.why.startswith("no models folder was named")
    assert found.record["weights"] == []


BOTH = {"onnxruntime": "1.31.1", "onnxruntime-gpu": "1.31.1"}


def test_two_runtimes_are_refused_with_the_fix(tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runtime, "version", lambda name: BOTH[name] if name in BOTH else _absent(name))
    fault = runtime_fault()
    assert isinstance(fault, ModelBrokenError)
    assert "onnxruntime 1.31.1 and onnxruntime-gpu 1.31.1" in fault.why
    assert fault.hint.startswith("python -m pip uninstall -y onnxruntime onnxruntime-gpu, then `make quality-cpu`")
    found = count(tmp_path, models)
    assert (found.value, found.failed, found.why) == (None, True, str(fault))


def _absent(name: str) -> str:
    raise runtime.PackageNotFoundError(name)


@pytest.mark.parametrize("there", [{}, {"onnxruntime": "1.31.1"}, {"onnxruntime-gpu": "1.31.1"}], ids=["no runtime", "one", "the other"])
def test_one_runtime_or_none_is_no_fault(there: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runtime, "version", lambda name: there[name] if name in there else _absent(name))
    assert runtime_fault() is None


def test_exactly_one_runtime_is_installed_here():
    assert len(runtime.installed()) == 1


def only_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])


def test_where_the_gpu_was_asked_for_and_the_cpu_ran_the_record_says_both(tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch):
    only_cpu(monkeypatch)
    found = count(tmp_path, models, "cuda")
    assert found.value == 1
    assert (found.record["provider"], found.record["provider_asked"]) == (CPU, CUDA)


def test_where_only_the_gpu_is_allowed_the_cpu_is_an_error(tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch):
    only_cpu(monkeypatch)
    found = count(tmp_path, models, "cuda-only")
    assert (found.value, found.failed) == (None, True)
    assert f"was to run on {CUDA} alone" in found.why


class FakeRuntime(SimpleNamespace):
    """A runtime that offers a GPU: `works` says whether a session starts there, `falls` whether it then runs on the CPU without a word."""

    def __init__(self, works: bool = True, falls: bool = False) -> None:
        super().__init__(SessionOptions=SimpleNamespace, set_default_logger_severity=lambda _: None, started=[])
        self.works, self.falls = works, falls

    def get_available_providers(self) -> list[str]:
        return [CUDA, CPU]

    def preload_dlls(self) -> None:
        sys.stdout.write("no library here")

    def InferenceSession(self, file: str, options: Any, providers: list[str], enable_fallback: int) -> Any:  # noqa: N802  the runtime's word
        self.started.append(tuple(providers))
        if CUDA in providers and not self.works:
            raise RuntimeError("CUDA failure 35: driver is too old\nmore")
        node = SimpleNamespace(name="input", shape=["batch", 3, 112, 112])
        out = SimpleNamespace(name="output", shape=["batch", 512])
        running = [CPU] if self.falls else list(providers)
        return SimpleNamespace(get_inputs=lambda: [node], get_outputs=lambda: [out], get_providers=lambda: running)


@pytest.mark.parametrize(
    ("fake", "device", "provider", "started"),
    [
        pytest.param(FakeRuntime(), "cuda", CUDA, [(CUDA, CPU)], id="the GPU comes first"),
        pytest.param(FakeRuntime(), "cpu", CPU, [(CPU,)], id="on the CPU the GPU is not even asked"),
        pytest.param(FakeRuntime(), "cuda-only", CUDA, [(CUDA,)], id="the GPU alone"),
        pytest.param(FakeRuntime(works=False), "cuda", CPU, [(CUDA, CPU), (CPU,)], id="a GPU that fails leaves the CPU"),
        pytest.param(FakeRuntime(falls=True), "cuda", CPU, [(CUDA, CPU)], id="the CPU without a word"),
    ],
)
def test_the_provider_is_the_one_that_runs(
    models: Models,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fake: FakeRuntime,
    device: str,
    provider: str,
    started: list,
):
    monkeypatch.setitem(sys.modules, "onnxruntime", fake)
    network = open_network(models, "face-recogniser", ANY, device)
    assert (network.provider, network.asked, fake.started) == (provider, PROVIDERS[device][0], started)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("fake", [FakeRuntime(works=False), FakeRuntime(falls=True)], ids=["a GPU that fails", "the CPU without a word"])
def test_the_gpu_alone_is_never_replaced(models: Models, monkeypatch: pytest.MonkeyPatch, fake: FakeRuntime):
    monkeypatch.setitem(sys.modules, "onnxruntime", fake)
    with pytest.raises(ModelBrokenError):
        open_network(models, "face-recogniser", ANY, "cuda-only")


def test_a_session_works_on_one_thread_and_is_opened_once(models: Models):
    network = open_network(models, "face-recogniser", ANY, "cpu")
    options = network.session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert open_network(models, "face-recogniser", ANY, "cpu") is network
    registry.release()
    assert open_network(models, "face-recogniser", ANY, "cpu") is not network


def test_a_replaced_model_is_another_network(tmp_path: Path, models: Models):
    before = open_network(models, "face-recogniser", ANY, "cpu")
    after = open_network(models_in(models.folder, {"face-recogniser": recogniser(broken="zero")}), "face-recogniser", ANY, "cpu")
    assert before.digest != after.digest


def test_input_that_a_model_can_not_take_is_an_error(models: Models):
    import numpy as np

    with pytest.raises(ModelBrokenError, match="face-recogniser failed on input of 1 x 3 x 50 x 50"):
        open_network(models, "face-recogniser", ANY, "cpu").run(np.zeros((1, 3, 50, 50), np.float32))


def test_the_runtime_calls_nobody(tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    count(tmp_path, models)
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        pytest.param("face-count", "", id="all is there"),
        pytest.param(
            "ccip-difference",
            "the models ccip-features and ccip-metric were not added; do: koma models   (says where to get each)",
            id="models are missing",
        ),
    ],
)
def test_what_is_missing_is_told_without_loading_anything(
    tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch, metric: str, words: str
):
    needs_module("insightface")
    needs_module("scipy")
    monkeypatch.setattr(runtime, "import_module", lambda _: pytest.fail("it was imported"))
    assert unavailable(metric, setting_of(tmp_path, models)) == words
    assert unavailable(metric, Setting()).startswith("no models folder was named")


def test_the_registry_imports_no_library_of_the_extras():
    code = (
        "import sys; import koma.measures.learned.registry, koma.measures.measure;"
        " print([m for m in ('onnxruntime', 'onnx', 'insightface', 'scipy', 'torch', 'lpips', 'open_clip') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_a_bug_in_a_metric_is_not_taken_for_a_missing_model(tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(LEARNED, "face-count", "koma.measures.learned.face_count:nothing")
    with pytest.raises(AttributeError):
        learned_meter("face-count", setting_of(tmp_path, models))
