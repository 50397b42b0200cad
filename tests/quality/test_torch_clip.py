"""CLIP's image tower and the three metrics on it, with a tiny tower of random weights, through the code that loads the real one."""

import json
import math
from itertools import pairwise

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from koma.core.against import Against, Picture, Subject
from koma.core.media import Media
from koma.core.models import KNOWN, LOCK
from koma.measures.learned import clip, torch_runtime
from koma.measures.learned.registry import learned_meter
from koma.measures.measure import FileMeasure
from koma.measures.meter import Facts, Frame
from koma.measures.setting import Setting
from support import tiny_torch
from support.pictures import drawing, save
from support.tiny_onnx import models_in

ON_CLIP = ("aesthetic", "clip-consistency", "clip-similarity")
CLIP, HEAD = "clip-vit-l-14", "aesthetic-head"
REAL = clip.ARCHITECTURE


@pytest.fixture(autouse=True, scope="module")
def tiny(tmp_path_factory):
    """Speak of a tiny architecture wherever the real one is named, and let nothing be fetched."""
    folder = tmp_path_factory.mktemp("architectures")
    names = [
        tiny_torch.register(folder, "koma-tiny-quickgelu"),
        tiny_torch.register(folder, "koma-tiny", quick_gelu=False),
        tiny_torch.register(folder, "koma-tiny-large", vision_cfg={**tiny_torch.TINY["vision_cfg"], "image_size": 64}),
        tiny_torch.register(folder, "koma-tiny-deep", vision_cfg={**tiny_torch.TINY["vision_cfg"], "layers": 3}),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clip, "ARCHITECTURE", names[0])
        for fetching in ("download_pretrained", "download_pretrained_from_hf", "_get_hf_config"):
            patch.setattr(open_clip.factory, fetching, fetched)
        yield names[0]
    torch_runtime.release()


def fetched(*_args, **_kwargs):
    raise AssertionError("something was to be fetched")


@pytest.fixture(scope="module")
def weights(tiny):
    return {CLIP: tiny_torch.file_of(tiny_torch.clip(tiny)), HEAD: tiny_torch.file_of(tiny_torch.head())}


@pytest.fixture
def models(tmp_path, weights):
    return models_in(tmp_path / "models", weights)


def measured(setting: Setting, pictures, metrics=ON_CLIP):
    """Show pictures to meters that share frames, as a file's are shown."""
    meters = {metric: learned_meter(metric, setting) for metric in metrics}
    for pixels in pictures:
        frame = Frame(pixels)
        for meter in meters.values():
            meter.add(frame)
    facts = Facts(pictures[0].shape[1], pictures[0].shape[0], len(pictures), 24.0)
    return {metric: meter.finish(facts) for metric, meter in meters.items()}


def embedded(name: str, pixels):
    """What open_clip itself gives for a picture, without Koma."""
    model = open_clip.create_model(name).eval()
    model.load_state_dict(tiny_torch.clip(name))
    transform = open_clip.transform.image_transform_v2(open_clip.transform.PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
    with torch.inference_mode():
        vector = model.encode_image(transform(Image.fromarray(pixels)).unsqueeze(0), normalize=True)
    return vector[0].double().numpy()


def subject(name: str, *files) -> tuple[Subject, dict]:
    pictures = {Picture(f"{name}{number}", f"{name}{number}", file.suffix): file for number, file in enumerate(files)}
    return Subject(name, references=tuple(pictures)), pictures


CLIP_OF = [drawing(64, 48, shift=3 * number) for number in range(5)]


def test_values_are_those_that_open_clip_and_the_head_give(tiny, models):
    vectors = [embedded(tiny, pixels) for pixels in CLIP_OF]
    head = {name: tensor.double().numpy() for name, tensor in tiny_torch.head().items()}
    found = measured(Setting(models=models), CLIP_OF, ON_CLIP[:2])
    scores = [float(head["weight"][0] @ vector + head["bias"][0]) for vector in vectors]
    steps = [(vector @ before + vector @ vectors[0]) / 2 for before, vector in pairwise(vectors)]
    assert found["aesthetic"].details["per_frame"] == pytest.approx(scores, abs=2e-5)
    assert found["aesthetic"].value == pytest.approx(np.mean(scores), abs=2e-5)
    assert found["clip-consistency"].details["per_frame"] == pytest.approx(steps, abs=2e-5)
    assert found["clip-consistency"].value == pytest.approx(np.mean(steps), abs=2e-5)


def test_cosines_below_zero_count_as_zero(models, monkeypatch):
    opposite = iter([np.eye(16, dtype=np.float32)[0], -np.eye(16, dtype=np.float32)[0]])
    monkeypatch.setattr(clip.Tower, "see", lambda _tower, pictures, _what: [next(opposite) for _ in pictures])
    assert measured(Setting(models=models), CLIP_OF[:2], ["clip-consistency"])["clip-consistency"].value == 0.0


def test_each_sampled_frame_goes_through_the_tower_once_for_all_metrics(models, monkeypatch):
    shown = []
    see = clip.Tower.see
    monkeypatch.setattr(clip.Tower, "see", lambda tower, pictures, what: (shown.append(len(pictures)), see(tower, pictures, what))[1])
    found = measured(Setting(models=models), [drawing(64, 48, shift=number) for number in range(20)], ON_CLIP[:2])
    numbers = found["aesthetic"].details["sampled"]
    assert shown == [len(numbers)]
    assert numbers == [0, 4, 8, 12, 16, 19]
    assert len(found["clip-consistency"].details["per_frame"]) == len(numbers) - 1


def test_the_same_picture_again_is_perfectly_consistent_and_a_picture_alone_is_unmeasured(models):
    assert measured(Setting(models=models), [CLIP_OF[0]] * 3)["clip-consistency"].value == pytest.approx(1.0, abs=1e-6)
    alone = measured(Setting(models=models), [CLIP_OF[0]])["clip-consistency"]
    assert (alone.value, alone.failed, alone.why) == (None, False, "one frame alone has nothing to be consistent with")


def test_each_character_is_compared_with_the_mean_of_its_own_references(tiny, tmp_path, models):
    files = [save(drawing(64, 48, shift=shift), tmp_path / f"{shift}.png") for shift in (0, 9, 18)]
    aki, of_aki = subject("aki", files[0])
    ren, of_ren = subject("ren", files[1], files[2])
    mio, _ = subject("mio")
    setting = Setting(Against((aki, ren, mio)), {**of_aki, **of_ren}.__getitem__, models)
    found = measured(setting, [drawing(64, 48)])["clip-similarity"]
    mean = embedded(tiny, drawing(64, 48, shift=9)) + embedded(tiny, drawing(64, 48, shift=18))
    assert found["aki"].value == pytest.approx(1.0, abs=1e-6)
    assert found["ren"].value == pytest.approx(embedded(tiny, drawing(64, 48)) @ (mean / np.linalg.norm(mean)), abs=2e-5)
    assert (found["mio"].value, found["mio"].failed, found["mio"].why) == (None, False, "the character has no reference pictures")


def test_a_broken_reference_is_left_out_and_named(tmp_path, models):
    whole, broken = save(CLIP_OF[0], tmp_path / "whole.png"), tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    aki, pictures = subject("aki", whole, broken)
    found = measured(Setting(Against((aki,)), pictures.__getitem__, models), [CLIP_OF[0]])["clip-similarity"]["aki"]
    assert found.value == pytest.approx(1.0, abs=1e-6)
    assert found.details["references"] == ["aki0"]
    assert set(found.details["left_out"]) == {"aki1"}


def test_what_measured_is_recorded(models):
    found = measured(Setting(models=models), CLIP_OF)["aesthetic"].record
    assert [weight["name"] for weight in found["weights"]] == [CLIP, HEAD]
    assert [weight["sha256"] for weight in found["weights"]] == [models.digest(CLIP), models.digest(HEAD)]
    assert found["runtime"] == f"torch {torch.__version__}"
    assert found["provider"] == "cpu"
    assert found["libraries"]["open-clip-torch"] == open_clip.__version__
    assert "provider_asked" not in found


def test_the_same_frames_give_the_same_numbers_again(models):
    before = measured(Setting(models=models), CLIP_OF)
    torch_runtime.release()
    after = measured(Setting(models=models), CLIP_OF)
    assert [before[metric].details for metric in ON_CLIP[:2]] == [after[metric].details for metric in ON_CLIP[:2]]


def test_a_picture_file_is_measured_with_its_alpha_over_white(tmp_path, models):
    clear = np.dstack([CLIP_OF[0], np.zeros(CLIP_OF[0].shape[:2], np.uint8)])
    files = [save(clear, tmp_path / "clear.png"), save(np.full_like(CLIP_OF[0], 255), tmp_path / "white.png")]
    values = [FileMeasure(models=models).measure(file, Media.IMAGE, ["aesthetic"])[0].value for file in files]
    assert values[0] == values[1]
    assert values[0] is not None


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 3000), (3000, 1), (5, 4000)])
def test_any_size_and_form_of_picture_can_be_seen(models, height, width):
    pixels = np.full((height, width, 3), 90, np.uint8)
    value = measured(Setting(models=models), [pixels])["aesthetic"].value
    assert math.isfinite(value)


def nan_in(weights):
    weights["visual.proj"][0, 0] = float("nan")
    return weights


def without(name, weights):
    return {key: tensor for key, tensor in weights.items() if key != name}


BROKEN_CLIP = {
    "weights of a deeper tower do not fit": (lambda: tiny_torch.clip("koma-tiny-deep"), "Unexpected key"),
    "weights for larger pictures are not stretched": (lambda: tiny_torch.clip("koma-tiny-large"), "positions of shape (65, 64)"),
    "weights without the text tower are not a CLIP": (lambda: without("text_projection", tiny_torch.clip("koma-tiny")), "Missing key"),
    "a head is no tower": (tiny_torch.head, "can't be clip-vit-l-14"),
    "not-a-number in the weights is never a score": (lambda: nan_in(tiny_torch.clip("koma-tiny")), "length nan"),
}


@pytest.mark.parametrize(("make", "words"), BROKEN_CLIP.values(), ids=BROKEN_CLIP)
def test_a_tower_that_can_not_be_right_is_an_error(tmp_path, weights, make, words):
    models = models_in(tmp_path / "models", {**weights, CLIP: tiny_torch.file_of(make())})
    found = measured(Setting(models=models), CLIP_OF)
    for metric in ON_CLIP[:2]:
        assert (found[metric].value, found[metric].failed) == (None, True)
        assert words in found[metric].why
        assert "koma models add clip-vit-l-14 FILE --replace" in found[metric].why


BROKEN_HEADS = {
    "a head for a larger CLIP": (lambda: tiny_torch.head(width=20), "takes 20 numbers for a picture, and clip-vit-l-14 gives 16"),
    "the later MLP": (lambda: {"layers.0.weight": torch.zeros(4, 16)}, "expected weight (1, 768) and bias (1,)"),
    "a head with two results": (lambda: {"weight": torch.zeros(2, 16), "bias": torch.zeros(2)}, "expected weight (1, 768) and bias (1,)"),
    "a head with not-a-number": (lambda: {"weight": torch.zeros(1, 16), "bias": torch.tensor([math.nan])}, "NaN or infinity"),
}


@pytest.mark.parametrize(("make", "words"), BROKEN_HEADS.values(), ids=BROKEN_HEADS)
def test_a_head_that_can_not_be_right_is_an_error_of_aesthetic_alone(tmp_path, weights, make, words):
    models = models_in(tmp_path / "models", {**weights, HEAD: tiny_torch.file_of(make())})
    found = measured(Setting(models=models), CLIP_OF)
    assert found["aesthetic"].failed
    assert words in found["aesthetic"].why
    assert found["clip-consistency"].value is not None


def test_a_file_that_was_changed_is_an_error(models):
    file = models.folder / KNOWN[CLIP].file
    file.write_bytes(file.read_bytes()[:-1] + b"\x00")
    assert "is not the file that was added" in measured(Setting(models=models), CLIP_OF)["aesthetic"].why


def test_a_file_that_is_cut_is_an_error_even_if_it_was_recorded_so(tmp_path, weights):
    models = models_in(tmp_path / "models", {**weights, CLIP: weights[CLIP][:-100]})
    found = measured(Setting(models=models), CLIP_OF)["aesthetic"]
    assert found.failed
    assert "cut off" in found.why


@pytest.mark.parametrize("gone", [CLIP, HEAD])
def test_a_model_that_is_not_there_leaves_its_metrics_unmeasured(tmp_path, weights, gone):
    models = models_in(tmp_path / "models", {name: data for name, data in weights.items() if name != gone})
    found = measured(Setting(models=models), CLIP_OF)["aesthetic"]
    assert (found.value, found.failed) == (None, False)
    assert f"koma models add {gone} FILE" in found.why


def test_without_the_extra_every_character_is_unmeasured_with_the_command_that_helps(models, monkeypatch):
    torch_runtime.release()
    monkeypatch.setattr("koma.measures.learned.runtime.import_module", no_module)
    aki, _ = subject("aki")
    found = measured(Setting(Against((aki,)), models=models), CLIP_OF)
    for reading in (found["aesthetic"], found["clip-similarity"]["aki"]):
        assert (reading.value, reading.failed) == (None, False)
        assert "not installed" in reading.why
        assert "make quality-cpu" in reading.why


def no_module(name: str):
    raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.parametrize("name", ["openai", "laion2b_s32b_b82k", "tiny.pt.bak"])
def test_a_file_named_like_a_tag_is_never_looked_up(models, name):
    (models.folder / KNOWN[CLIP].file).rename(models.folder / name)
    lock = json.loads((models.folder / LOCK).read_text())
    lock["models"][CLIP]["file"] = name
    (models.folder / LOCK).write_text(json.dumps(lock))
    found = measured(Setting(models=models), CLIP_OF)["aesthetic"]
    assert found.failed
    assert "does not end in .safetensors" in found.why


def test_the_real_architecture_is_vit_l_14_with_quickgelu():
    config = open_clip.get_model_config(REAL)
    assert config["quick_gelu"] is True
    assert (config["embed_dim"], config["vision_cfg"]["image_size"], config["vision_cfg"]["layers"]) == (768, 224, 24)


def test_plain_gelu_takes_the_same_weights_and_gives_other_numbers(tiny, tmp_path, weights, monkeypatch):
    models = models_in(tmp_path / "models", weights)
    right = measured(Setting(models=models), CLIP_OF)["aesthetic"].value
    monkeypatch.setattr(clip, "ARCHITECTURE", "koma-tiny")
    assert measured(Setting(models=models), CLIP_OF)["aesthetic"].value != pytest.approx(right, abs=1e-6)
