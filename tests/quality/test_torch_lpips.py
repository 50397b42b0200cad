"""LPIPS between neighbouring frames, with an AlexNet of random weights, through the code that loads the real one."""

import math
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import lpips
import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from koma.core.media import Media
from koma.core.models import KNOWN
from koma.measures.learned import lpips_temporal, torch_runtime
from koma.measures.learned.registry import learned_meter
from koma.measures.measure import FileMeasure
from koma.measures.meter import Facts, Frame
from koma.measures.setting import Setting
from support import tiny_torch
from support.pictures import drawing, flat, save
from support.tiny_onnx import models_in

METRIC = "lpips-temporal"
TRUNK, HEADS = "lpips-trunk", "lpips-heads"
FRAMES = [drawing(96, 64, shift=5 * number) for number in range(5)]


@pytest.fixture(autouse=True, scope="module")
def nothing_is_fetched():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch.hub.download_url_to_file", fetched)
        yield
    torch_runtime.release()


def fetched(*_args, **_kwargs):
    raise AssertionError("something was to be fetched")


@pytest.fixture(scope="module")
def trunk():
    return tiny_torch.file_of(tiny_torch.alexnet())


@pytest.fixture
def models(tmp_path, trunk):
    return models_in(tmp_path / "models", {TRUNK: trunk})


def measured(models, pictures, device="cpu"):
    meter = learned_meter(METRIC, Setting(models=models, device=device))
    for pixels in pictures:
        meter.add(Frame(pixels))
    return meter.finish(Facts(pictures[0].shape[1], pictures[0].shape[0], len(pictures), 24.0))


def network(weights):
    """The package as it is meant to be used, with these weights."""
    found = lpips.LPIPS(pnet_rand=True, verbose=False)
    names = {name: f"features.{name.partition('.')[2]}" for name in found.net.state_dict()}
    found.net.load_state_dict({name: weights[theirs] for name, theirs in names.items()})
    return found.eval()


def tensor(pixels):
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1


@pytest.mark.filterwarnings(
    "ignore:.*torchvision:UserWarning", "ignore:.*pretrained:UserWarning", "ignore:Arguments other than:UserWarning"
)
def test_values_are_those_that_the_package_gives_for_each_pair(models):
    theirs = network(tiny_torch.alexnet())
    with torch.inference_mode():
        wanted = [float(theirs(tensor(a), tensor(b))) for a, b in pairwise(FRAMES)]
    found = measured(models, FRAMES)
    assert found.details["per_frame"] == pytest.approx(wanted, abs=2e-6)
    assert found.value == pytest.approx(np.mean(wanted), abs=2e-6)
    assert found.details["max"] == pytest.approx(max(wanted), abs=2e-6)


def blurred(pixels, strength):
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(strength)))


def noisy(pixels, strength):
    noise = np.random.Generator(np.random.PCG64(5)).normal(size=pixels.shape)
    return np.clip(pixels + strength * noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("seed", [3, 4, 5])
@pytest.mark.parametrize(("spoil", "strengths"), [(blurred, (0.5, 1, 2, 4)), (noisy, (4, 8, 16, 32))], ids=["blur", "noise"])
def test_a_spoiled_neighbour_is_farther_away_the_more_it_is_spoiled(tmp_path, spoil, strengths, seed):
    models = models_in(tmp_path / "models", {TRUNK: tiny_torch.file_of(tiny_torch.alexnet(seed))})
    values = [measured(models, [FRAMES[0], spoil(FRAMES[0], strength)]).value for strength in strengths]
    assert values == sorted(values)
    assert len(set(values)) == len(values)
    assert values[0] > 0


def test_a_clip_that_stands_still_has_zero(models):
    assert measured(models, [FRAMES[0]] * 3).value == 0.0


def test_the_order_of_two_frames_does_not_matter(models):
    assert measured(models, FRAMES[:2]).value == pytest.approx(measured(models, FRAMES[1::-1]).value, abs=1e-7)


def test_each_frame_goes_through_the_network_once(models, monkeypatch):
    passes = []
    features = lpips_temporal._Temporal._features
    monkeypatch.setattr(lpips_temporal._Temporal, "_features", lambda meter, some: (passes.append(len(some)), features(meter, some))[1])
    assert len(measured(models, FRAMES).details["per_frame"]) == 4
    assert passes == [1] * 5


@pytest.mark.parametrize("size", [2, 3, 5, 16])
def test_batches_give_what_single_frames_give(models, monkeypatch, size):
    alone = measured(models, FRAMES).details["per_frame"]
    monkeypatch.setitem(torch_runtime.BATCH, "cpu", size)
    assert measured(models, FRAMES).details["per_frame"] == pytest.approx(alone, abs=2e-6)


def test_the_same_frames_give_the_same_numbers_again(models):
    before = measured(models, FRAMES)
    torch_runtime.release()
    assert measured(models, FRAMES).details == before.details


def test_trunk_and_heads_are_recorded(models):
    found = measured(models, FRAMES).record
    heads = (Path(lpips.__file__).parent / "weights/v0.1/alex.pth").read_bytes()
    assert {weight["name"]: weight["sha256"] for weight in found["weights"]} == {
        TRUNK: models.digest(TRUNK),
        HEADS: sha256(heads).hexdigest(),
    }
    assert (found["provider"], found["libraries"]["lpips"]) == ("cpu", "0.1.4")


def heads_of(factor: float = 1.0, width: int = 0) -> bytes:
    """The package's heads as safetensors, all times a factor."""
    found = torch.load(Path(lpips.__file__).parent / "weights/v0.1/alex.pth", map_location="cpu", weights_only=True)
    return tiny_torch.file_of({name: factor * weights[:, width:] for name, weights in found.items()})


def test_heads_that_were_added_take_the_place_of_those_of_the_package(tmp_path, models, trunk):
    doubled = models_in(tmp_path / "doubled", {TRUNK: trunk, HEADS: heads_of(2.0)})
    found = measured(doubled, FRAMES)
    assert found.value == pytest.approx(2 * measured(models, FRAMES).value, rel=1e-5)
    assert found.record["weights"][1]["sha256"] == doubled.digest(HEADS)


def spoiled(change):
    weights = tiny_torch.alexnet()
    change(weights)
    return tiny_torch.file_of(weights)


BROKEN = {
    "a trunk without a layer": (lambda: {TRUNK: spoiled(lambda w: w.pop("features.6.bias"))}, "it has no features.6.bias"),
    "a trunk of another shape": (lambda: {TRUNK: spoiled(lambda w: w.update({"features.0.bias": torch.zeros(3)}))}, "size mismatch"),
    "a trunk with not-a-number": (lambda: {TRUNK: spoiled(lambda w: w["features.0.bias"].fill_(math.nan))}, "NaN or infinity"),
    "heads for another trunk": (lambda: {HEADS: heads_of(width=1)}, "size mismatch"),
    "heads that are none": (lambda: {HEADS: tiny_torch.file_of(tiny_torch.head())}, "Missing key"),
    "a file that is cut": (lambda: {TRUNK: tiny_torch.file_of(tiny_torch.alexnet())[:-4]}, "cut off"),
}


@pytest.mark.parametrize(("make", "words"), BROKEN.values(), ids=BROKEN)
def test_a_model_that_can_not_be_right_is_an_error(tmp_path, trunk, make, words):
    found = measured(models_in(tmp_path / "models", {TRUNK: trunk, **make()}), FRAMES)
    assert (found.value, found.failed) == (None, True)
    assert words in found.why
    assert "koma models add lpips-" in found.why


def test_a_file_that_was_changed_is_an_error(models):
    file = models.folder / KNOWN[TRUNK].file
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    found = measured(models, FRAMES)
    assert found.failed
    assert "is not the file that was added" in found.why


UNMEASURED = {
    "a picture": ([FRAMES[0]], "one frame alone has no neighbour"),
    "frames that are too small": ([flat(9, 40, 31), flat(10, 40, 31)], "31 px is too small: expected 32 px"),
    "frames that are too narrow once they are reduced": ([flat(9, 1024, 120)] * 2, "1024 x 120 px is too small"),
}


@pytest.mark.parametrize(("pictures", "words"), UNMEASURED.values(), ids=UNMEASURED)
def test_what_can_not_be_measured_is_unmeasured_and_says_why(models, pictures, words):
    found = measured(models, pictures)
    assert (found.value, found.failed) == (None, False)
    assert words in found.why


def test_the_smallest_frames_that_can_be_measured_are(models):
    assert measured(models, [flat(9, 40, 32), drawing(40, 32)]).value > 0


def test_without_the_trunk_it_is_unmeasured(tmp_path):
    found = measured(models_in(tmp_path / "models", {}), FRAMES)
    assert (found.value, found.failed) == (None, False)
    assert "koma models add lpips-trunk FILE" in found.why


def test_without_the_extra_it_is_unmeasured(models, monkeypatch):
    monkeypatch.setattr("koma.measures.learned.runtime.import_module", no_module)
    found = measured(models, FRAMES)
    assert (found.value, found.failed) == (None, False)
    assert "make quality-cpu" in found.why


def no_module(name: str):
    raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_a_picture_file_is_unmeasured_and_not_an_error(tmp_path, models):
    found = FileMeasure(models=models).measure(save(FRAMES[0], tmp_path / "a.png"), Media.IMAGE, [METRIC])[0]
    assert (found.value, found.failed) == (None, False)
