"""Reading `template.yaml`: what a good one gives, and a located problem for every mistake."""

import pytest

from koma.core.manifest import parse_sample, parse_template
from koma.core.media import Media
from koma.core.parameter import ParameterType
from koma.core.template import FrameRule, Rate, Template, TemplateInput

FILE = "templates/demo/template.yaml"
GOOD = """\
kind: template
name: demo
title: Demo
description: Moves a picture.
phase: video
family: svd
parameters:
  seed: {type: int, min: 0, max: 18446744073709551615, description: Start.}
  steps: {type: int, default: 20, min: 1, max: 100, description: Steps.}
  mode: {type: choice, default: soft, choices: [soft, hard], description: Kind of motion.}
inputs:
  image: {from: still, description: First frame.}
outputs: {media: frames}
fps: {native: 8, min: 6, max: 12}
frames: {min: 16, max: 32, step: 8}
vram_gb: 4
estimate_seconds: 30
sets:
  draft: {steps: 8}
"""


def test_a_good_manifest_gives_a_template():
    template = parse_template(GOOD.encode(), FILE)
    assert isinstance(template, Template)
    assert template.parameters["seed"].max == 2**64 - 1
    assert template.parameters["mode"].type is ParameterType.CHOICE
    assert template.inputs == {"image": TemplateInput("still", "First frame.")}
    assert (template.media, template.rate) == (Media.FRAMES, Rate(8.0, 6.0, 12.0))
    assert template.frames == FrameRule(min=16, max=32, step=8)
    assert template.sets == {"draft": {"steps": 8}}
    assert template.file == FILE


def test_one_number_is_the_only_rate():
    template = parse_template(GOOD.replace("{native: 8, min: 6, max: 12}", "16"), FILE)
    assert isinstance(template, Template)
    assert template.rate == Rate(16.0, 16.0, 16.0)


MISTAKES = {
    "an unknown field is named with the closest one": ("title: Demo", "titel: Demo", "unknown-field", 3),
    "a missing field is named": ("family: svd\n", "", "missing-field", 1),
    "a name that is no id is refused": ("name: demo", "name: My Demo", "bad-id", 2),
    "an unknown type is refused": ("seed: {type: int", "seed: {type: integer", "unknown-value", 8),
    "an unknown field of a parameter is refused": ("default: 20", "defualt: 20", "unknown-field", 9),
    "a parameter name has to work in a graph text": ("  steps:", "  my-steps:", "bad-text", 9),
    "a limit is a number": ("min: 1,", "min: one,", "wrong-type", 9),
    "a default that does not fit is refused": ("default: 20", "default: 200", "wrong-parameter", 9),
    "a standard name has its own type": ("seed: {type: int, min: 0, max: 18446744073709551615", "seed: {type: string", "wrong-value", 8),
    "a choice needs choices": (", choices: [soft, hard]", "", "wrong-value", 10),
    "only numbers have limits": ("choices: [soft, hard]", "choices: [soft, hard], min: 1", "wrong-value", 10),
    "a model needs its folder": ("type: int, default: 20, min: 1, max: 100", "type: model", "missing-field", 9),
    "the output prefix is not declared": (
        "  steps: {type: int, default: 20",
        "  output_prefix: {type: int, default: 20",
        "reserved-name",
        9,
    ),
    "a picture can't have a parameter's name": ("  image: {from", "  steps: {from", "duplicate-name", 12),
    "a picture comes from a still or a reference": ("from: still", "from: video", "unknown-value", 12),
    "a video puts out frames": ("media: frames", "media: image", "wrong-value", 13),
    "a video says which rates it can run at": ("fps: {native: 8, min: 6, max: 12}\n", "", "missing-field", 5),
    "the native rate is one that can be asked for": ("native: 8", "native: 24", "wrong-value", 14),
    "a frame rule says one thing": ("{min: 16, max: 32, step: 8}", "{exact: [25], max: 32}", "frame-rule", 15),
    "a frame rule that nothing fits is refused": ("{min: 16, max: 32, step: 8}", "{min: 17, max: 20, step: 8}", "frame-rule", 15),
    "a set names parameters that are there": ("draft: {steps: 8}", "draft: {step: 8}", "unknown-parameter", 19),
    "a set holds values that fit": ("draft: {steps: 8}", "draft: {steps: 0}", "wrong-parameter", 19),
    "a set belongs to a rendition": ("draft: {steps: 8}", "preview: {steps: 8}", "unknown-value", 19),
}


@pytest.mark.parametrize(("old", "new", "code", "line"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_manifest_is_a_located_problem(old, new, code, line):
    assert old in GOOD
    problems = parse_template(GOOD.replace(old, new, 1), FILE)
    assert isinstance(problems, list)
    assert (code, FILE, line) in [(problem.code, problem.place.file, problem.place.line) for problem in problems]


def test_text_that_is_no_yaml_is_a_problem():
    problems = parse_template("kind: [", FILE)
    assert [problem.code for problem in problems] == ["not-yaml"]


def test_a_file_holds_one_manifest():
    problems = parse_template(f"{GOOD}---\n{GOOD}", FILE)
    assert [problem.code for problem in problems] == ["two-documents"]


def test_a_sample_is_a_mapping_of_values():
    assert parse_sample("seed: 1\nprompt: 'no'\n", "sample.yaml") == {"seed": 1, "prompt": "no"}
    problems = parse_sample("- 1", "sample.yaml")
    assert [problem.code for problem in problems] == ["not-a-mapping"]
