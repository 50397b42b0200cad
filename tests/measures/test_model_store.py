"""Model files: found by name, read only with the digest that was recorded, and only in the form that their name promises."""

import hashlib
import os
import subprocess
import sys

import pytest

from koma.config import load
from koma.core.models import KNOWN, LockedModel, lock_text
from koma.measures.learned import store
from koma.measures.learned.forms import WrongFormError, check_form
from koma.measures.learned.store import ModelBrokenError, ModelForbiddenError, ModelMissingError, Models
from support.weights import field, onnx, safetensors, tensor, varint

DETECTOR, TRUNK = "face-detector", "lpips-trunk"


def put(folder, name, content, *, recorded=None, commercial=True):
    """Put a file into a models folder and record it."""
    folder.mkdir(exist_ok=True)
    spec = KNOWN[name]
    (folder / spec.file).write_bytes(content)
    models = dict(Models(folder).locked)
    digest = hashlib.sha256(content).hexdigest() if recorded is None else recorded
    models[name] = LockedModel(name, spec.file, digest, len(content), "MIT", commercial, "2026-11-21")
    (folder / "models.json").write_text(lock_text(models))
    return folder / spec.file


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "models"


# -- the store ----------------------------------------------------------------------------------------------------------


def test_a_recorded_file_is_found_with_its_digest_and_licence(folder):
    file = put(folder, DETECTOR, onnx())
    models = Models(folder)
    assert models.path(DETECTOR) == file
    assert models.digest(DETECTOR) == hashlib.sha256(onnx()).hexdigest()
    assert models.record([DETECTOR]) == [{"name": DETECTOR, "sha256": models.digest(DETECTOR), "licence": "MIT"}]
    assert models.digests() == {DETECTOR: models.digest(DETECTOR)}


def test_a_workspace_without_models_has_none_and_says_what_to_do(folder):
    models = Models(folder)
    assert (models.digest(DETECTOR), models.digests(), list(models.problems)) == ("", {}, [])
    with pytest.raises(ModelMissingError) as caught:
        models.path(DETECTOR)
    assert "koma models add face-detector FILE" in caught.value.hint
    assert "buffalo_l" in str(caught.value)


def gone(folder):
    put(folder, DETECTOR, onnx()).unlink()


def a_folder(folder):
    gone(folder)
    (folder / KNOWN[DETECTOR].file).mkdir()


def another(folder):
    put(folder, DETECTOR, onnx()).write_bytes(onnx(note=b"!"))


def emptied(folder):
    put(folder, DETECTOR, onnx()).write_bytes(b"")


def of_another_form(folder):
    put(folder, DETECTOR, safetensors())


def recorded_as_broken(folder):
    put(folder, DETECTOR, onnx(), recorded="short")


def unreadable_lock(folder):
    put(folder, DETECTOR, onnx())
    (folder / "models.json").write_text("{")


def lock_is_a_folder(folder):
    folder.mkdir()
    (folder / "models.json").mkdir()


FAULTS = {
    "a file that is gone": (gone, ModelMissingError, "is gone"),
    "a folder in its place": (a_folder, ModelMissingError, "is gone"),
    "another file in its place": (another, ModelBrokenError, "is not the file that was added"),
    "an empty file in its place": (emptied, ModelBrokenError, "is not the file that was added"),
    "a file of another form, whatever its digest": (of_another_form, ModelBrokenError, "no ONNX model"),
    "an entry that can't be read": (recorded_as_broken, ModelBrokenError, "models/models.json:4:5: `sha256`"),
    "a models.json that can't be read": (unreadable_lock, ModelBrokenError, "models/models.json:1:2: this is not JSON"),
    "a models.json that is a folder": (lock_is_a_folder, ModelBrokenError, "it can't be read"),
}


@pytest.mark.parametrize(("fault", "error", "words"), FAULTS.values(), ids=FAULTS)
def test_what_can_not_be_used_says_why_and_what_to_do(folder, fault, error, words):
    fault(folder)
    with pytest.raises(error) as caught:
        Models(folder).path(DETECTOR)
    assert type(caught.value) is error
    assert words in caught.value.why
    assert caught.value.hint
    assert str(caught.value) == f"{caught.value.why}; do: {caught.value.hint}"


def test_a_file_is_hashed_once_while_it_stays_as_it_is(folder, monkeypatch):
    hashed, read = [], store._hash
    monkeypatch.setattr(store, "_hash", lambda file: hashed.append(file) or read(file))
    file = put(folder, DETECTOR, onnx())
    for _ in range(3):
        Models(folder).path(DETECTOR)
    assert hashed == [file]
    os.utime(file, ns=(1, 1))
    Models(folder).path(DETECTOR)
    assert hashed == [file, file]


def test_a_file_that_changes_while_it_is_read_is_an_error(folder, monkeypatch):
    file = put(folder, DETECTOR, onnx())
    os.utime(file, ns=(2, 2))
    read = store._hash
    monkeypatch.setattr(store, "_hash", lambda path: (read(path), os.utime(path, ns=(3, 3)))[0])
    with pytest.raises(ModelBrokenError, match="changed while it was read"):
        Models(folder).path(DETECTOR)


def test_what_somebody_adds_meanwhile_is_seen(folder):
    models = Models(folder)
    assert models.digests() == {}
    put(folder, DETECTOR, onnx())
    assert list(models.digests()) == [DETECTOR]
    put(folder, TRUNK, safetensors())
    assert sorted(models.digests()) == [DETECTOR, TRUNK]
    (folder / "models.json").unlink()
    assert models.digests() == {}


def test_everything_that_was_not_added_is_named_at_once(folder):
    put(folder, TRUNK, safetensors())
    models = Models(folder)
    models.require([TRUNK, "lpips-heads"])  # the heads come with a package
    with pytest.raises(ModelMissingError, match="the model aesthetic-head was not added; do: koma models add aesthetic-head FILE"):
        models.require([TRUNK, "aesthetic-head"])
    with pytest.raises(ModelMissingError, match=f"the models {DETECTOR}, ccip-features and ccip-metric were not added; do: koma models"):
        models.require([DETECTOR, TRUNK, "ccip-features", "ccip-metric"])
    with pytest.raises(ModelForbiddenError, match="face-detector is licensed"):
        models.for_project(commercial=True).require(["aesthetic-head", DETECTOR])


def test_the_state_of_a_file_tells_when_it_was_written_over_taken_away_or_put_back(folder):
    file, models = put(folder, DETECTOR, onnx()), Models(folder)
    before = models.states()
    file.write_bytes(onnx(note=b"!"))
    os.utime(file, ns=(5, 5))
    broken = models.states()
    file.unlink()
    assert len({state[DETECTOR] for state in (before, broken, models.states())}) == 3
    assert models.states()[DETECTOR] == ""


def test_a_commercial_project_has_no_model_that_it_must_not_use(folder):
    put(folder, DETECTOR, onnx(), commercial=False)
    put(folder, TRUNK, safetensors())
    models = Models(folder)
    ours = models.for_project(commercial=True)
    assert models.path(DETECTOR).is_file()
    assert list(ours.digests()) == [TRUNK]
    assert ours.digest(DETECTOR) == ""
    assert ours.path(TRUNK).is_file()
    with pytest.raises(ModelForbiddenError, match="the project is commercial"):
        ours.path(DETECTOR)
    assert ours.for_project(commercial=False).path(DETECTOR) == models.path(DETECTOR)


def test_an_unknown_name_is_a_bug(folder):
    with pytest.raises(KeyError):
        Models(folder).path("prettiness")


def test_the_settings_name_the_same_file(tmp_path):
    (tmp_path / "koma.yaml").touch()
    paths = load(tmp_path, {}).paths
    assert Models(paths.models).lock == paths.models_lock


def test_importing_the_store_imports_nothing_heavy():
    code = "import sys, koma.measures.learned.store; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "torch", "onnxruntime", "PIL", "pydantic", "yaml", "cv2"} & set(done.stdout.split())


# -- forms --------------------------------------------------------------------------------------------------------------

SOUND = {
    "safetensors with a tensor": ("safetensors", safetensors()),
    "safetensors with words about themselves": ("safetensors", safetensors({"__metadata__": {"a": "b"}, "w": tensor([2], 0, 8)})),
    "safetensors with tensors in any order": ("safetensors", safetensors({"b": tensor([1], 4, 8), "a": tensor([2, 2], 0, 4, "U8")})),
    "safetensors with a tensor of nothing": ("safetensors", safetensors({"a": tensor([0], 0, 0), "b": tensor([2], 0, 8)})),
    "safetensors with a single number": ("safetensors", safetensors({"a": tensor([], 0, 8, "F64")})),
    "ONNX": ("onnx", onnx()),
    "ONNX with weights in itself": ("onnx", onnx(initializer=field(9, bytes(400)))),
    "ONNX with fields that nobody knows yet": (
        "onnx",
        onnx() + field(99, b"new") + varint(98 << 3 | 5) + bytes(4) + varint(97 << 3 | 1) + bytes(8),
    ),
}


@pytest.mark.parametrize(("form", "content"), SOUND.values(), ids=SOUND)
def test_a_sound_file_is_accepted(tmp_path, form, content):
    (tmp_path / "m").write_bytes(content)
    check_form(tmp_path / "m", form)


BROKEN = {
    "an empty file": ("onnx", b"", "0 bytes"),
    "a PyTorch zip": ("safetensors", b"PK\x03\x04" + bytes(50), "pickle"),
    "a bare pickle": ("onnx", b"\x80\x02}q\x00.", "pickle"),
    "safetensors cut off in a tensor": ("safetensors", safetensors()[:-3], "cut off"),
    "safetensors cut off in the header": ("safetensors", safetensors()[:20], "cut off"),
    "safetensors cut off in the first number": ("safetensors", b"\x05\x00\x00", "cut off"),
    "safetensors with bytes left over": ("safetensors", safetensors() + b"!", "bytes follow"),
    "safetensors whose header is endless": ("safetensors", safetensors(length=2**62), "length of a safetensors header"),
    "safetensors whose header is no JSON": ("safetensors", safetensors(length=7), "not JSON"),
    "safetensors whose header nests without end": ("safetensors", len(b"[" * 99999).to_bytes(8, "little") + b"[" * 99999, "not JSON"),
    "safetensors whose header is a list": ("safetensors", (2).to_bytes(8, "little") + b"[]", "no mapping"),
    "safetensors without a tensor": ("safetensors", safetensors({}, b""), "names no tensor"),
    "safetensors of an unknown dtype": ("safetensors", safetensors({"w": tensor([2], 0, 8, "F31")}), "'F31'"),
    "safetensors whose shape does not fit": ("safetensors", safetensors({"w": tensor([3], 0, 8)}), "can't fill"),
    "safetensors with a hole": ("safetensors", safetensors({"a": tensor([1], 0, 4), "b": tensor([1], 5, 9)}, bytes(9)), "hole"),
    "safetensors with tensors on one another": ("safetensors", safetensors({"a": tensor([2], 0, 8), "b": tensor([1], 4, 8)}), "overlap"),
    "safetensors with a tensor that begins before the first": (
        "safetensors",
        safetensors({"a": tensor([2], -8, 0)}),
        "no shape or no offsets",
    ),
    "safetensors with a tensor that is no mapping": ("safetensors", safetensors({"a": 3}), "no shape or no offsets"),
    "ONNX in place of safetensors": ("safetensors", onnx(), "length of a safetensors header"),
    "safetensors in place of ONNX": ("onnx", safetensors(), "no ONNX model"),
    "a picture": ("onnx", b"\x89PNG\r\n\x1a\n" + bytes(100), "no ONNX model"),
    "a page of an address that asks to log in": ("onnx", b"<!doctype html><html><body>Sign in</body></html>", "no ONNX model"),
    "ONNX cut off": ("onnx", onnx(initializer=field(9, bytes(400)))[:-200], "cut off"),
    "ONNX cut off in a number": ("onnx", onnx() + b"\x80", "cut off"),
    "ONNX without operator sets": ("onnx", onnx(opset=False), "no version, no operator sets or no graph"),
    "ONNX without nodes": ("onnx", onnx(node=b""), "no node or no output"),
    "ONNX whose weights lie elsewhere": ("onnx", onnx(initializer=field(14, 1)), "in another file"),
}


@pytest.mark.parametrize(("form", "content", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_or_foreign_file_is_refused(tmp_path, form, content, words):
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(WrongFormError, match=words):
        check_form(tmp_path / "m", form)


@pytest.mark.parametrize("name", ["m.pth", "m.PT", "m.bin", "m.ckpt"])
def test_a_name_of_pickles_is_enough_to_be_refused(tmp_path, name):
    (tmp_path / name).write_bytes(safetensors())
    with pytest.raises(WrongFormError, match="can run code"):
        check_form(tmp_path / name, "safetensors")


@pytest.mark.parametrize("form", ["onnx", "safetensors"])
def test_no_cut_of_a_sound_file_is_accepted(tmp_path, form):
    content = {"onnx": onnx(initializer=field(9, bytes(40)), opset=True), "safetensors": safetensors()}[form]
    for length in range(len(content)):
        (tmp_path / "m").write_bytes(content[:length])
        with pytest.raises(WrongFormError):
            check_form(tmp_path / "m", form)
