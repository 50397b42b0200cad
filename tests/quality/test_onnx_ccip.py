"""CCIP: drawn characters told apart. The two models are made on the spot; what loads and runs them is what loads and runs real ones."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from koma.core.against import Against
from koma.core.media import Media
from koma.measures.learned import subjects
from koma.measures.learned.assignment import assign
from koma.measures.learned.ccip import DEVIATION, MEAN, Ccip, blob
from koma.measures.learned.ccip_difference import columns
from koma.measures.learned.store import Models
from koma.measures.measure import FileMeasure
from koma.measures.meter import Reading
from koma.pixels.picture import Pixels
from support.against import against, read, setting_of
from support.needs import needs_module
from support.pictures import flat, save_clip
from support.tiny_onnx import ccip_features, ccip_metric, models_in, portrait

RED, ROSE, BLUE = (200, 30, 30), (200, 60, 50), (30, 30, 200)
CAST = {"aki": [portrait(RED)], "beni": [portrait(BLUE)]}


@pytest.fixture(autouse=True)
def _extra(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_module("onnxruntime")
    needs_module("onnx")
    needs_module("scipy")
    monkeypatch.setattr(subjects, "_vectors", {})


@pytest.fixture(name="models")
def _models(tmp_path: Path) -> Models:
    return models_in(tmp_path / "models", {"ccip-features": ccip_features(), "ccip-metric": ccip_metric()})


def values(found: Mapping[str, Reading]) -> dict[str, float | None]:
    return {name: None if one.value is None else round(one.value, 4) for name, one in found.items()}


def one(folder: Path, models: Models, references: list[Pixels], *frames: Pixels) -> Reading:
    return read("ccip-difference", setting_of(folder, models, {"aki": references}), *frames)["aki"]


def test_the_same_character_differs_less_than_another_one(tmp_path: Path, models: Models):
    seen = [one(tmp_path, models, [portrait(RED)], portrait(colour)).value for colour in (RED, ROSE, BLUE)]
    assert seen[0] == pytest.approx(0, abs=1e-5)
    assert seen == sorted(set(seen))
    assert seen[2] > 10 * seen[1]


def test_the_median_over_references_and_then_over_frames_counts(tmp_path: Path, models: Models):
    setting = setting_of(tmp_path, models, {"aki": [portrait(RED), portrait(RED), portrait(BLUE)]})
    found = read("ccip-difference", setting, portrait(RED), portrait(RED), portrait(BLUE))["aki"]
    near, _, far = found.details["per_frame"]
    assert near == pytest.approx(0, abs=1e-5), "two of three references are the same"
    assert far > 0.2
    assert found.value == pytest.approx(near, abs=1e-5)
    assert found.details["sampled"] == [0, 1, 2]
    assert found.details["references"] == ["aki-0", "aki-1", "aki-2"]


def test_several_characters_are_matched_to_columns_whatever_their_order(tmp_path: Path, models: Models):
    both = np.concatenate([portrait(RED), portrait(BLUE)], axis=1)
    swapped = np.concatenate([portrait(BLUE), portrait(RED)], axis=1)
    for frame in (both, swapped):
        found = read("ccip-difference", setting_of(tmp_path, models, CAST), frame)
        assert values(found) == {"aki": pytest.approx(0, abs=1e-4), "beni": pytest.approx(0, abs=1e-4)}
    alone = read("ccip-difference", setting_of(tmp_path, models, CAST), np.concatenate([portrait(RED), portrait(RED)], axis=1))
    assert alone["aki"].value == pytest.approx(0, abs=1e-4)
    assert alone["beni"].value > 0.1


def test_a_character_without_references_takes_up_its_room_and_is_unmeasured(tmp_path: Path, models: Models):
    both = np.concatenate([portrait(RED), portrait(BLUE)], axis=1)
    found = read("ccip-difference", setting_of(tmp_path, models, {"aki": [], "beni": [portrait(BLUE)]}), both)
    assert (found["aki"].value, found["aki"].why, found["aki"].failed) == (None, "the character has no reference pictures", False)
    assert found["beni"].value == pytest.approx(0, abs=1e-4)


def test_swapped_channels_are_another_character(tmp_path: Path, models: Models):
    assert one(tmp_path, models, [portrait(RED)], portrait(RED)[:, :, ::-1].copy()).value > 0.1


def test_a_picture_is_prepared_as_the_published_models_want_it():
    pixels = flat((255, 0, 128), 20, 10)
    seen = blob(pixels)
    assert (seen.shape, seen.dtype) == ((3, 384, 384), np.float32)
    assert seen[:, 100, 100] == pytest.approx((np.array([1, 0, 128 / 255]) - MEAN) / DEVIATION, abs=1e-5)
    rows = np.zeros((768, 8, 3), np.uint8)
    rows[::2] = 255
    wanted = np.asarray(Image.fromarray(rows).resize((384, 384), Image.Resampling.BILINEAR), np.float32)[:, :, 0] / 255
    assert blob(rows)[0] * DEVIATION[0] + MEAN[0] == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize(
    ("features", "metric", "words"),
    [
        pytest.param(
            ccip_features, lambda: ccip_metric(wrong=True), "ccip-metric gave (2, 1) for 2 vectors; expected 2 x 2", id="no square"
        ),
        pytest.param(lambda: ccip_features(broken="nan"), ccip_metric, "ccip-features gave NaN or infinity", id="features of NaN"),
        pytest.param(lambda: ccip_features(broken="zero"), ccip_metric, "ccip-features gave a vector of length 0", id="features of zeros"),
        pytest.param(lambda: ccip_features(size=224), ccip_metric, "expected input any x 3 x 384 x 384", id="features of another size"),
        pytest.param(
            lambda: ccip_features(length=512), ccip_metric, "expected input any x 3 x 384 x 384 and outputs that end in 768", id="of 512"
        ),
        pytest.param(ccip_features, lambda: ccip_metric(length=512), "can't be ccip-metric", id="a metric of another length"),
        pytest.param(ccip_metric, ccip_features, "can't be ccip-features", id="the two files swapped"),
    ],
)
def test_a_model_that_gives_something_else_is_an_error(tmp_path: Path, features, metric, words: str):
    models = models_in(tmp_path / "models", {"ccip-features": features(), "ccip-metric": metric()})
    found = one(tmp_path, models, [portrait(RED)], portrait(RED))
    assert (found.value, found.failed) == (None, True)
    assert words in found.why
    assert "koma models add ccip-" in found.why


@pytest.mark.parametrize("absent", ["ccip-features", "ccip-metric"])
def test_one_of_the_two_models_alone_leaves_it_unmeasured(tmp_path: Path, absent: str):
    files = {"ccip-features": ccip_features(), "ccip-metric": ccip_metric()}
    models = models_in(tmp_path / "models", {name: data for name, data in files.items() if name != absent})
    found = one(tmp_path, models, [portrait(RED)], portrait(RED))
    assert (found.value, found.failed) == (None, False)
    assert f"the model {absent} was not added" in found.why


def test_the_record_says_what_measured(tmp_path: Path, models: Models):
    record = one(tmp_path, models, [portrait(RED)], portrait(RED)).record
    assert [(weight["name"], weight["licence"]) for weight in record["weights"]] == [
        ("ccip-features", "OpenRAIL"),
        ("ccip-metric", "OpenRAIL"),
    ]
    assert record["provider"] == "CPUExecutionProvider"


def test_references_are_remembered(tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch):
    setting = setting_of(tmp_path, models, CAST)
    frame = np.concatenate([portrait(RED), portrait(BLUE)], axis=1)
    read("ccip-difference", setting, frame)
    looked = []
    vector = Ccip.vector
    monkeypatch.setattr(Ccip, "vector", lambda self, rgb: looked.append(1) or vector(self, rgb))
    read("ccip-difference", type(setting)(setting.against, setting.picture, models), frame)
    assert len(looked) == 2, "two columns, no reference"


def test_a_clip_on_the_disk_is_measured_with_everything_between(tmp_path: Path, models: Models):
    compared, picture = against(tmp_path / "references", {"aki": [portrait(RED, size=64)]})
    file = save_clip(tmp_path / "clip.mkv", [portrait(RED, size=64)] * 20)
    (found,) = FileMeasure(picture, models).measure(file, Media.FRAMES, ["ccip-difference"], compared)
    assert (found.subject, found.failed) == ("aki", False)
    assert found.value == pytest.approx(0, abs=1e-3)
    assert found.details["sampled"] == [0, 4, 8, 12, 16, 19]


def test_a_file_that_is_compared_with_nobody_is_unmeasured(tmp_path: Path, models: Models):
    file = save_clip(tmp_path / "clip.mkv", [portrait(RED, size=64)])
    (found,) = FileMeasure(None, models).measure(file, Media.FRAMES, ["ccip-difference"], Against())
    assert (found.value, found.failed, found.subject) == (None, False, "")


@given(st.integers(1, 9), st.integers(1, 40))
def test_columns_cover_a_picture_and_are_never_empty(count: int, width: int):
    pixels = np.arange(width * 3, dtype=np.uint8).reshape(1, width, 3)
    parts = columns(pixels, count)
    assert len(parts) == count
    assert all(part.shape[1] >= 1 for part in parts)
    if width >= count:
        assert np.array_equal(np.concatenate(parts, axis=1), pixels)
        assert max(part.shape[1] for part in parts) - min(part.shape[1] for part in parts) <= 1


@given(st.integers(1, 4), st.integers(1, 4), st.data())
def test_pairs_are_one_to_one_as_many_as_can_be_and_none_fit_better(rows: int, wide: int, data: st.DataObject):
    from itertools import permutations

    scores = np.array(data.draw(st.lists(st.integers(-9, 9), min_size=rows * wide, max_size=rows * wide)), float).reshape(rows, wide)
    pairs = assign(scores)
    assert len(pairs) == len(set(pairs.values())) == min(rows, wide)
    tall = scores if rows >= wide else scores.T
    best = max(sum(tall[row, column] for column, row in enumerate(order)) for order in permutations(range(tall.shape[0]), tall.shape[1]))
    assert sum(scores[row, column] for column, row in pairs.items()) == best
