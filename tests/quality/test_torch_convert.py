"""PyTorch pickles become safetensors in a confined child, or stay what they are with the reason in words."""

import pickle

import pytest
import torch
from safetensors.torch import load_file

from koma.core.errors import KomaError
from koma.measures.learned import convert as module
from koma.measures.learned.convert import convert

WEIGHTS = {"weight": torch.arange(6.0).reshape(2, 3), "half": torch.ones(4, dtype=torch.float16)}


class Small(torch.nn.Module):
    """A network as OpenAI's archives hold it: weights, and three numbers that are none."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)
        for name in ("input_resolution", "context_length", "vocab_size"):
            self.register_buffer(name, torch.tensor(7))

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return self.linear(given)


def scripted(file):
    torch.jit.save(torch.jit.script(Small()), file)


def shared(file):
    whole = torch.arange(12.0)
    torch.save({"a": whole[:6], "b": whole[3:].reshape(3, 3).T}, file)


READABLE = {
    "weights by name": (lambda file: torch.save(WEIGHTS, file), {"weight": [2, 3], "half": [4]}),
    "weights by name in the old form": (
        lambda file: torch.save(WEIGHTS, file, _use_new_zipfile_serialization=False),
        {"weight": [2, 3], "half": [4]},
    ),
    "a checkpoint that holds them under state_dict": (
        lambda file: torch.save({"epoch": 3, "state_dict": WEIGHTS}, file),
        {"weight": [2, 3], "half": [4]},
    ),
    "tensors that share memory": (shared, {"a": [6], "b": [3, 3]}),
    "a TorchScript archive": (scripted, {"linear.weight": [2, 3], "linear.bias": [2]}),
}


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning", "ignore:.*torch.jit:FutureWarning")
@pytest.mark.parametrize(("write", "shapes"), READABLE.values(), ids=READABLE)
def test_tensors_come_out_as_they_were(tmp_path, write, shapes):
    write(tmp_path / "model.pth")
    convert(tmp_path / "model.pth", tmp_path / "model.safetensors")
    found = load_file(tmp_path / "model.safetensors")
    assert {name: list(tensor.shape) for name, tensor in found.items()} == shapes
    for name, tensor in WEIGHTS.items():
        if name in found:
            assert torch.equal(found[name], tensor)
            assert found[name].dtype == tensor.dtype
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model.pth", "model.safetensors"]


class Runs:
    """A pickle that writes a file when it is read."""

    def __init__(self, trace) -> None:
        self.trace = trace

    def __reduce__(self):
        return open, (str(self.trace), "w")


def running(file):
    torch.save({"weight": torch.zeros(2), "more": Runs(file.with_name("trace"))}, file)


def plainly_running(file):
    file.write_bytes(pickle.dumps(Runs(file.with_name("trace"))))


REFUSED = {
    "code among the weights": (running, "it holds `io.open` beside tensors, and reading that would run code"),
    "a plain pickle that is code": (plainly_running, "PyTorch can't read it: UnpicklingError"),
    "a list": (lambda file: torch.save([torch.zeros(2)], file), "it holds one list; expected tensors by name"),
    "numbers among the weights": (lambda file: torch.save({"weight": torch.zeros(2), "epoch": 3}, file), "under 'epoch' it holds int"),
    "no weights at all": (lambda file: torch.save({}, file), "it holds no tensor"),
    "an empty file": (lambda file: file.write_bytes(b""), "PyTorch can't read it: EOFError: nothing in it"),
    "something else": (lambda file: file.write_bytes(b"MZ" * 500), "PyTorch can't read it: UnpicklingError: Unsupported operand"),
}


@pytest.mark.parametrize(("write", "words"), REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused_without_being_run_and_what_was_there_stays(tmp_path, write, words):
    write(tmp_path / "model.pth")
    (tmp_path / "model.safetensors").write_bytes(b"as before")
    with pytest.raises(KomaError) as raised:
        convert(tmp_path / "model.pth", tmp_path / "model.safetensors")
    assert words in raised.value.message
    assert raised.value.message.startswith(f"{tmp_path / 'model.pth'} can't be converted: ")
    assert raised.value.hint == "get the same weights as safetensors from whoever gives out model.pth"
    assert (tmp_path / "model.safetensors").read_bytes() == b"as before"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model.pth", "model.safetensors"]


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        pytest.param("SPARE", -200_000, "its tensors are far larger than the file", id="more bytes than it may write"),
        pytest.param("MEMORY", 1 << 28, "can't be", id="more memory than it may have"),
        pytest.param("SECONDS", 0.01, "reading it took more than 0.01 s", id="more time than it may take"),
    ],
)
def test_a_child_that_goes_beyond_a_limit_ends_in_words(tmp_path, monkeypatch, limit, value, words):
    torch.save({"weight": torch.zeros(30_000)}, tmp_path / "model.pth")
    monkeypatch.setattr(module, limit, value)
    with pytest.raises(KomaError, match=words):
        convert(tmp_path / "model.pth", tmp_path / "model.safetensors")
    assert [file.name for file in tmp_path.iterdir()] == ["model.pth"]


ENDLESS = """
import runpy, sys
runpy.run_path({child!r})["_confine"](1, 1 << 20, 1 << 40)
while True:
    pass
"""


def test_a_child_that_computes_for_ever_is_ended(tmp_path, monkeypatch):
    torch.save(WEIGHTS, tmp_path / "model.pth")
    (tmp_path / "endless.py").write_text(ENDLESS.format(child=str(module._CHILD)))
    monkeypatch.setattr(module, "_CHILD", tmp_path / "endless.py")
    with pytest.raises(KomaError, match="of computing"):
        convert(tmp_path / "model.pth", tmp_path / "model.safetensors")


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(KomaError, match="`torch` is not installed") as raised:
        convert(tmp_path / "model.pth", tmp_path / "model.safetensors")
    assert raised.value.hint == "make quality-cpu"


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(KomaError, match="No such file"):
        convert(tmp_path / "model.pth", tmp_path / "model.safetensors")
