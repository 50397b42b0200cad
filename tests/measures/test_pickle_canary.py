"""A pickle that writes a file once anybody reads it, under every name that weights have: refused in words, and the file is never there."""

import gzip
import hashlib
import io
import pickle
import pickletools
import tarfile
import zipfile
from pathlib import Path

import pytest

from koma.core.models import KNOWN, LockedModel, lock_text
from koma.measures.learned.forms import WrongFormError, check_form
from koma.measures.learned.store import ModelBrokenError, Models
from support.weights import onnx, safetensors

ROLES = {"onnx": "face-detector", "safetensors": "lpips-trunk"}


class Canary:
    """Makes a file when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def __reduce__(self):
        return open, (str(self._place), "w")


def zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", data)
    return out.getvalue()


def tarred(data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo("pickle")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


DISGUISES = {
    **{f"a pickle of protocol {number}": lambda item, number=number: pickle.dumps(item, number) for number in range(6)},
    "an optimised pickle": lambda item: pickletools.optimize(pickle.dumps(item, 4)),
    "a zip as torch.save writes it": lambda item: zipped(pickle.dumps(item)),
    "a tar as old files are": lambda item: tarred(pickle.dumps(item)),
    "a gzip": lambda item: gzip.compress(pickle.dumps(item)),
    "weights with a pickle behind them": lambda item: safetensors() + pickle.dumps(item),
    "weights with an archive behind them": lambda item: safetensors() + zipped(pickle.dumps(item)),
    "a pickle that begins with a length": lambda item: (8).to_bytes(8, "little") + pickle.dumps(item),
    "a network with a pickle behind it": lambda item: onnx() + pickle.dumps(item),
    "a network with an archive behind it": lambda item: onnx() + zipped(pickle.dumps(item)),
}


@pytest.fixture
def canary(tmp_path):
    place = tmp_path / "sung"
    pickle.loads(pickle.dumps(Canary(place))).close()  # noqa: S301  it is our own, and shows that it does sing
    assert place.exists()
    place.unlink()
    return place


@pytest.mark.parametrize("form", ROLES)
@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_a_pickle_in_disguise_is_refused_and_never_read(tmp_path, canary, disguise, form):
    content, name = disguise(Canary(canary)), ROLES[form]
    folder, spec = tmp_path / "models", KNOWN[name]
    folder.mkdir()
    (folder / spec.file).write_bytes(content)
    recorded = LockedModel(name, spec.file, hashlib.sha256(content).hexdigest(), len(content), "MIT", commercial=True, added="2026-11-21")
    (folder / "models.json").write_text(lock_text({name: recorded}))
    with pytest.raises(ModelBrokenError) as caught:
        Models(folder).path(name)
    assert "can't be used" in caught.value.why
    assert caught.value.hint
    assert not canary.exists()


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt", ".bin", ".pkl"])
def test_a_name_of_a_pickle_is_refused_whatever_is_in_it(tmp_path, suffix):
    file = tmp_path / f"a{suffix}"
    file.write_bytes(safetensors())
    with pytest.raises(WrongFormError, match="a pickle can run code"):
        check_form(file, "safetensors")


def test_every_model_has_a_form_that_holds_no_code():
    assert {spec.form for spec in KNOWN.values()} == {"onnx", "safetensors"}
    assert {Path(spec.file).suffix for spec in KNOWN.values()} == {".onnx", ".safetensors"}
