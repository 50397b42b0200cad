"""What models are for besides gates: faces in identity records. And what must not run in commercial projects."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from koma.app.adding import add_model
from koma.app.eye import eye
from koma.core.against import NOTHING
from koma.core.faces import mean_of
from koma.core.media import Media
from koma.measures.learned.forms import check_form
from koma.measures.learned.store import Models
from koma.measures.measure import FileMeasure
from support.pictures import save
from support.tiny_onnx import canvas, ccip_features, ccip_metric, detector, models_in, recogniser
from support.workspaces import ANIMATIC_CONFIG, Workspace, story

RED, BLUE = (200, 30, 30), (30, 30, 200)
ONE, TWO, NOBODY = canvas((320, 320, RED)), canvas((160, 320, RED), (480, 320, BLUE)), canvas()
COMMERCIAL = dataclasses.replace(NOTHING, commercial=True)


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return models_in(tmp_path / "models", {"face-detector": detector(), "face-recogniser": recogniser()})


@pytest.mark.parametrize(("pixels", "number"), [(ONE, 1), (TWO, 2), (NOBODY, 0)], ids=["one", "two", "nobody"])
def test_the_eye_counts_faces_and_embeds_the_largest(models, tmp_path, pixels, number):
    looking = eye(models).looking(False)
    assert (looking.why, len(looking.weights)) == ("", 2)
    found = eye(models).faces(save(pixels, tmp_path / "a.png"), False)
    assert (found.number, len(found.embedding)) == (number, 512 if number else 0)
    assert np.linalg.norm(found.embedding) == pytest.approx(min(number, 1), abs=1e-3)


def test_the_mean_of_a_record_is_that_of_the_metric(models, tmp_path):
    from koma.measures.learned.faces import mean_embedding

    both = [
        eye(models).faces(save(canvas((320, 320, colour)), tmp_path / f"{name}.png"), False) for name, colour in (("r", RED), ("b", BLUE))
    ]
    expected = mean_embedding([np.array(one.embedding, np.float32) for one in both])
    assert mean_of([one.embedding for one in both]) == pytest.approx(expected.tolist(), abs=1e-4)


def test_a_model_that_can_not_run_says_so(tmp_path):
    broken = models_in(tmp_path / "models", {"face-detector": detector(), "face-recogniser": recogniser(length=128)})
    with pytest.raises(ValueError, match="face-recogniser"):
        eye(broken).faces(save(ONE, tmp_path / "a.png"), False)


def test_a_commercial_project_measures_and_looks_for_no_face(models, tmp_path):
    file = save(ONE, tmp_path / "a.png")
    measure = FileMeasure(models=models)
    (free,) = measure.measure(file, Media.IMAGE, ["face-count"], NOTHING)
    (paid,) = measure.measure(file, Media.IMAGE, ["face-count"], COMMERCIAL)
    assert free.value == 1
    assert (paid.value, paid.failed) == (None, False)
    assert "insightface: non-commercial research only" in paid.why
    assert "the project is commercial" in eye(models).looking(True).why


def test_records_and_pages_of_a_workspace_tell_of_faces(tmp_path):
    workspace: Workspace = story(tmp_path / "w", ANIMATIC_CONFIG)
    save(ONE, tmp_path / "face.png")
    workspace.write("projects/demo/references/ren/face.png", (tmp_path / "face.png").read_bytes())
    models_in(workspace.root / "models", {"face-detector": detector(), "face-recogniser": recogniser()})
    workspace.once()
    record = workspace.read("outputs/demo/characters/ren/base/identity.json")
    assert '"projects/demo/references/ren/face.png": 1' in record
    assert "of the face, from 1 picture<" in workspace.read("outputs/demo/characters/ren/index.html")
    workspace.once()
    assert workspace.read("outputs/demo/characters/ren/base/identity.json") == record


def test_real_onnx_models_have_the_form_of_onnx(tmp_path):
    for index, data in enumerate((detector(), recogniser(), ccip_features(), ccip_metric())):
        (tmp_path / f"{index}.onnx").write_bytes(data)
        check_form(tmp_path / f"{index}.onnx", "onnx")


@pytest.mark.parametrize("zipped", [True, False], ids=["as PyTorch saves today", "as it saved before"])
def test_a_pickle_is_converted_when_it_is_added(tmp_path, zipped):
    weights = {"weight": torch.arange(6.0).reshape(2, 3)}
    torch.save(weights, tmp_path / "head.pth", _use_new_zipfile_serialization=zipped)
    models = Models(tmp_path / "models")
    found = add_model(models, "aesthetic-head", tmp_path / "head.pth", terms=None, replace=False, today="2026-11-21")
    assert models.path("aesthetic-head") == tmp_path / "models" / found.file
    from safetensors.torch import load_file

    assert torch.equal(load_file(models.path("aesthetic-head"))["weight"], weights["weight"])
