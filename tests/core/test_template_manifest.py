"""Reading `template.yaml`: what a good one gives, and a located problem for every mistake."""

import pytest

from koma.core.manifest import parse_sample, parse_template
from koma.core.media import Media
from koma.core.parameter import ParameterType
from koma.core.template import Chain, CharacterNeeds, FrameRule, Rate, Template, TemplateInput

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


CHAINED = (
    GOOD
    + """\
chain: {input: image, overlap: 2, max: 5}
characters: {max: 2, references: 4, sheet: [front, close-up], poses: true}
style: {references: 3}
ladder:
  - {mode: hard}
  - {steps: 0.5}
"""
)
FINISH = """\
kind: template
name: demo
title: Demo
description: More frames.
phase: finish
family: post
parameters:
  times: {type: int, default: 2, min: 1, max: 8, description: How many times the frames.}
  soft: {type: bool, default: false, description: Softer.}
inputs:
  clip: {from: clip, description: What it works on.}
finish: {multiplier: times}
outputs: {media: frames}
vram_gb: 4
estimate_seconds: 30
"""


def test_a_manifest_of_a_chain_with_characters_gives_a_template():
    template = parse_template(CHAINED, FILE)
    assert isinstance(template, Template)
    assert template.chain == Chain("image", 2, 5)
    assert template.characters == CharacterNeeds(2, references=4, sheet=("front", "close-up"), poses=True)
    assert template.style_references == 3
    assert template.ladder == ({"mode": "hard"}, {"steps": 0.5})


def test_a_manifest_of_a_template_that_finishes_has_no_phase():
    template = parse_template(FINISH, FILE)
    assert isinstance(template, Template)
    assert template.finishes
    assert template.multiplier == "times"
    assert (template.frames, template.rate, template.chain) == (None, None, None)


@pytest.mark.parametrize("source", ["still", "reference", "control.pose", "control.depth"])
def test_a_phase_reads_pictures_of_the_shot(source):
    template = parse_template(GOOD.replace("from: still", f"from: {source}"), FILE)
    assert isinstance(template, Template)
    assert template.inputs["image"].source == source


MORE_MISTAKES = {
    "a chain goes through an input": (CHAINED, "chain: {input: image", "chain: {input: imige", "unknown-input", 20),
    "a chain is made of runs": (CHAINED, "frames: {min: 16, max: 32, step: 8}\n", "", "missing-field", 19),
    "a later run adds frames": (CHAINED, "overlap: 2", "overlap: 32", "wrong-value", 20),
    "a chain has at least one run": (CHAINED, "max: 5}", "max: 0}", "out-of-range", 20),
    "a pose of a sheet is one of eight": (CHAINED, "[front, close-up]", "[front, closeup]", "unknown-value", 21),
    "a pose of a sheet is listed once": (CHAINED, "[front, close-up]", "[front, front]", "duplicate-value", 21),
    "characters have a most": (CHAINED, "{max: 2, references", "{references", "missing-field", 21),
    "style pictures are counted": (CHAINED, "style: {references: 3}", "style: {references: 0}", "out-of-range", 22),
    "characters are no parameter": (CHAINED, "  steps: {type", "  characters: {type", "reserved-name", 9),
    "style pictures are no parameter": (CHAINED, "  steps: {type", "  style_references: {type", "reserved-name", 9),
    "a rung names parameters that are there": (CHAINED, "- {mode: hard}", "- {mood: hard}", "unknown-parameter", 24),
    "a rung holds values that fit": (CHAINED, "- {mode: hard}", "- {mode: harder}", "wrong-parameter", 24),
    "a factor lies between 0 and 1": (CHAINED, "- {steps: 0.5}", "- {steps: 1.5}", "wrong-parameter", 25),
    "a phase works on no clip": (GOOD, "from: still", "from: clip", "wrong-value", 12),
    "a phase does not finish": (GOOD, "outputs:", "finish: {multiplier: steps}\noutputs:", "wrong-value", 13),
    "what finishes works on something": (FINISH, "{from: clip", "{from: still", "missing-field", 5),
    "frames are multiplied by a parameter": (FINISH, "multiplier: times", "multiplier: time", "unknown-parameter", 12),
    "frames are multiplied by a whole number": (FINISH, "multiplier: times", "multiplier: soft", "unknown-parameter", 12),
}


@pytest.mark.parametrize(("text", "old", "new", "code", "line"), MORE_MISTAKES.values(), ids=MORE_MISTAKES)
def test_a_mistake_about_chains_characters_and_finishing_is_a_located_problem(text, old, new, code, line):
    assert old in text
    problems = parse_template(text.replace(old, new, 1), FILE)
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
