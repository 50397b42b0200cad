"""What is given up, step by step, when memory runs out."""

import pytest

from koma.core.ladder import rungs
from koma.core.manifest import parse_template
from koma.core.template import Template, bind

MANIFEST = """\
kind: template
name: film
title: Film
description: For a test.
phase: video
family: test
parameters:
  width: {type: int, multiple_of: 8, min: 64, max: 2048, description: Width.}
  height: {type: int, multiple_of: 8, min: 64, max: 2048, description: Height.}
  frames: {type: int, min: 1, max: 100, description: Length.}
  tiled_decode: {type: bool, default: false, description: Tiles.}
  batch: {type: int, default: 8, min: 1, max: 16, description: Frames at a time.}
characters: {max: 2}
outputs: {media: frames}
fps: 24
frames: {min: 1, max: 100}
vram_gb: 8
estimate_seconds: 60
ladder: LADDER
"""
WHO = {
    **dict.fromkeys(("id", "name", "version", "prompt", "negative"), "aki"),
    "weight": 0.8,
    "references": [],
    "sheet": [],
    "region": {"x": 0, "y": 0, "width": 512, "height": 512},
    "pose": {"image": "koma-input:aki.pose", "x": 100, "y": 0, "width": 200, "height": 400},
}
VALUES = {"width": 1024, "height": 512, "frames": 48, "characters": [WHO]}


def film(ladder):
    template = parse_template(MANIFEST.replace("LADDER", ladder), "templates/film/template.yaml")
    assert isinstance(template, Template), template
    params, problems = bind(template, VALUES)
    assert problems == []
    return template, params


@pytest.mark.parametrize(
    ("ladder", "segment", "names"),
    [
        pytest.param("[]", False, [], id="a template without a ladder gives nothing up"),
        pytest.param(
            "[{tiled_decode: true}, {batch: 2}]",
            False,
            ["tiled_decode: True", "batch: 2, tiled_decode: True"],
            id="one thing after the other",
        ),
        pytest.param(
            "[{tiled_decode: true}, {width: 0.75, height: 0.75}]",
            False,
            ["tiled_decode: True", "height: 384, tiled_decode: True, width: 768"],
            id="then a smaller picture",
        ),
        pytest.param("[{tiled_decode: true}, {width: 0.75}]", True, ["tiled_decode: True"], id="a segment keeps its size"),
        pytest.param(
            "[{frames: 0.5}, {tiled_decode: true}]", False, [], id="a clip keeps its length, and nothing below that rung is tried"
        ),
        pytest.param("[{tiled_decode: false}, {batch: 4}]", False, ["batch: 4"], id="what changes nothing is passed over"),
    ],
)
def test_what_is_given_up(ladder, segment, names):
    template, params = film(ladder)
    assert [rung.name for rung in rungs(template, params, segment=segment)] == names


def test_the_file_contract_and_the_places_of_characters_shrink_with_the_picture():
    (rung,) = rungs(*film("[{width: 0.5}]"))
    (who,) = rung.params["characters"]
    assert rung.expect == {"width": 512}
    assert (who["region"], who["pose"]) == (
        {"x": 0, "y": 0, "width": 256, "height": 512},
        {"image": "koma-input:aki.pose", "x": 50, "y": 0, "width": 100, "height": 400},
    )


def test_parameters_that_were_asked_for_stay_as_they_are():
    template, params = film("[{width: 0.5}]")
    before = dict(params)
    rungs(template, params)
    assert params == before
