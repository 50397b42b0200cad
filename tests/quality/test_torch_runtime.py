"""PyTorch on one thread, on the device that is there, and in words where it can't be imported."""

import sys

import pytest
import torch

from koma.measures.learned import torch_runtime
from koma.measures.learned.store import ModelBrokenError, ModelMissingError
from koma.measures.learned.torch_runtime import Placed, batches, kept, on_torch, place, record_of, release, running


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    monkeypatch.setattr(torch_runtime, "_unusable", {})
    yield
    release()


def test_it_runs_on_one_thread():
    torch.set_num_threads(2)
    on_torch("safetensors")
    assert torch.get_num_threads() == 1


class Network:
    """As much of a network as is moved about; `full` is a card without room."""

    def __init__(self, full: bool = False) -> None:
        self.full = full
        self.device = "cpu"

    def eval(self):
        return self

    def requires_grad_(self, _wanted):
        return self

    def to(self, device):
        if device == "cuda" and self.full:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.device = device
        return self


@pytest.mark.parametrize(
    ("asked", "card", "full", "device", "recorded"),
    [
        pytest.param("cpu", True, False, "cpu", None, id="the CPU is the CPU, whatever is there"),
        pytest.param("cuda", True, False, "cuda", None, id="a card with room is used"),
        pytest.param("cuda", False, False, "cpu", "cuda", id="without a card the CPU runs, and the record says so"),
        pytest.param("cuda", True, True, "cpu", "cuda", id="on a full card the CPU runs, and the record says so"),
        pytest.param("cuda-only", True, False, "cuda", None, id="a card alone was asked for and is there"),
    ],
)
def test_where_a_network_runs_and_what_is_recorded(monkeypatch, asked, card, full, device, recorded):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: card)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Card 9000")
    placed = place(torch, "some-model", Network(full), asked)
    record = record_of([], placed, ["torch"])
    assert (placed.device, placed.network.device, record.get("provider_asked")) == (device, device, recorded)
    assert record["provider"] == ("cuda Card 9000" if device == "cuda" else "cpu")
    assert record["libraries"] == {"torch": record["runtime"].removeprefix("torch ")}


@pytest.mark.parametrize(("card", "full", "words"), [(False, False, "sees no graphics card"), (True, True, "CUDA out of memory")])
def test_cuda_alone_is_an_error_where_it_can_not_be_had(monkeypatch, card, full, words):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: card)
    with pytest.raises(ModelBrokenError, match=words) as raised:
        place(torch, "some-model", Network(full), "cuda-only")
    assert "make quality-gpu" in raised.value.hint


def test_a_network_is_built_once_until_it_is_let_go():
    built = []
    build = lambda: built.append(1) or len(built)  # noqa: E731
    assert [kept(("a", "1"), build), kept(("a", "1"), build), kept(("a", "2"), build)] == [1, 1, 2]
    release()
    assert kept(("a", "1"), build) == 3


@pytest.mark.parametrize(("device", "sizes"), [("cpu", [1] * 18), ("cuda", [16, 2])])
def test_the_processor_takes_one_picture_at_a_time_and_a_card_many(device, sizes):
    assert [len(batch) for batch in batches(list(range(18)), device)] == sizes


def test_what_a_network_raises_is_an_error_of_its_model():
    placed = Placed("lpips-trunk", None, "cpu", "cpu", "cpu")
    with pytest.raises(ModelBrokenError, match="lpips-trunk failed on cpu: mat1 and mat2"), running(torch, placed):
        torch.zeros(2, 3) @ torch.zeros(2, 3)


def package(folder, name: str, code: str, monkeypatch) -> None:
    (folder / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, name, raising=False)


def test_torchvision_of_another_build_is_named_with_what_to_install_and_not_tried_again(tmp_path, monkeypatch):
    package(tmp_path, "koma_unfit", "raise RuntimeError('operator torchvision::nms does not exist')", monkeypatch)
    for _ in range(2):
        with pytest.raises(ModelBrokenError, match="are not of one build") as raised:
            on_torch("koma_unfit")
        assert f"torch {torch.__version__} and torchvision " in raised.value.why
        assert "make quality-cpu" in raised.value.hint
        (tmp_path / "koma_unfit.py").write_text("raise RuntimeError('said otherwise the second time')")


def test_a_package_that_lacks_another_is_unmeasured_with_its_name(tmp_path, monkeypatch):
    package(tmp_path, "koma_lacking", "import no_such_package_anywhere", monkeypatch)
    with pytest.raises(ModelMissingError, match="`no_such_package_anywhere` is not installed"):
        on_torch("koma_lacking")
