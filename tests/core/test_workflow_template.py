"""A workflow that became a template: rendered with its own values it is the workflow again, and its values became parameters."""

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koma.core.graph import PLACEHOLDER, parse_graph
from koma.core.node_rules import Signatures
from koma.core.plaintext import find_forbidden
from koma.core.template import OUTPUT_PREFIX, bind
from koma.core.workflow_folder import scalar
from koma.core.workflow_guess import guess
from koma.core.workflow_outputs import lossless
from koma.core.workflow_text import graph_text, literal
from koma.core.yamltext import read_yaml
from koma.templating.jinja import JinjaRenderer
from koma.templating.signatures import load_recorded
from support.imported import api_nodes, import_file, import_graph, nodes_of, read


def save(source, slot=0):
    return ("SaveImage", {"images": [source, slot], "filename_prefix": OUTPUT_PREFIX})


CHANGED = {
    "lantern.json": {"9": save("8"), "21": ("LoadImage", {"image": f"{PLACEHOLDER}pose"})},
    "two-pass.json": {
        "9": save("8"),
        "11": ("PreviewImage", {"images": ["10", 0]}),
        "4": ("EmptyLatentImage", {"width": ["40", 0], "height": 576, "batch_size": 1}),
    },
    "Paper Boats.json": {"11": save("10")},
    "tide.json": {"11": None, "12": save("10"), "6": ("LoadImage", {"image": f"{PLACEHOLDER}image"})},
    "parts.json": {"12": save("11")},
    "noise.json": {"4": save("3")},
    "orchard.json": {"9": save("7")},
    "well.json": {"4": save("3:2")},
    "unknown-pack.json": {"8": save("7")},
}


@pytest.mark.parametrize("name", CHANGED)
def test_rendered_with_its_sample_it_is_the_workflow_again_but_for_pictures_and_what_it_saves(name):
    wanted = {**api_nodes(name), **CHANGED[name]}
    assert nodes_of(import_file(name).graph) == {node_id: node for node_id, node in wanted.items() if node is not None}


@pytest.mark.parametrize(("ui", "api"), [("orchard.ui.json", "orchard.json"), ("well.ui.json", "well.json")])
def test_a_ui_file_becomes_the_same_graph_as_the_api_export_of_it(ui, api):
    assert nodes_of(read(ui).graph) == api_nodes(api)


def test_other_values_go_where_the_workflow_had_its_own():
    made = import_file("lantern.json")
    sample = {**made.sample, "prompt": "a kite", "seed": 5, "steps": 9, "width": 512, "lora_1_strength": 0.1}
    changed = import_graph(read("lantern.json").graph)
    assert changed.sample == made.sample
    nodes = rendered(made, sample)
    assert nodes["6"]["inputs"]["text"] == "a kite"
    assert (nodes["3"]["inputs"]["seed"], nodes["3"]["inputs"]["steps"]) == (5, 9)
    assert nodes["5"]["inputs"]["width"] == 512
    assert nodes["10"]["inputs"]["strength_model"] == nodes["10"]["inputs"]["strength_clip"] == 0.1
    assert nodes["11"]["inputs"]["strength_model"] == 0.5


def rendered(made, values):
    bound, problems = bind(made.manifest, values)
    assert problems == []
    return parse_graph(JinjaRenderer().render("g", made.files["graph.json.j2"], [bound])[0], "g")


FOUND = [
    ("words of the sampler, through a ControlNet and a joiner", "lantern.json", "prompt", {"6.text"}),
    ("a second text", "lantern.json", "prompt_2", {"31.text"}),
    ("words of the negative side", "lantern.json", "negative", {"7.text"}),
    ("LoRAs in their order", "lantern.json", "lora_2", {"11.lora_name"}),
    ("a strength that model and text encoder share", "lantern.json", "lora_1_strength", {"10.strength_model", "10.strength_clip"}),
    ("a strength of the text encoder alone", "lantern.json", "lora_2_strength_clip", {"11.strength_clip"}),
    ("a width in a node of its own", "two-pass.json", "width", {"40.value"}),
    ("steps that two passes share", "two-pass.json", "steps", {"5.steps", "7.steps"}),
    ("the seed of the first pass", "two-pass.json", "seed", {"5.seed"}),
    ("the seed of the second", "two-pass.json", "seed_2", {"7.seed"}),
    ("the length of a batch", "Paper Boats.json", "frames", {"8.batch_size"}),
    ("the length of a video model", "tide.json", "frames", {"7.length"}),
    ("the seed of the sampler that adds noise", "tide.json", "seed", {"8.noise_seed"}),
    ("a model without a checkpoint", "tide.json", "diffusion_model", {"1.unet_name"}),
    ("the longest text of an encoder with two", "parts.json", "prompt", {"3.t5xxl"}),
    ("the seed of a noise node", "parts.json", "seed", {"5.noise_seed"}),
    ("steps of a scheduler node", "parts.json", "steps", {"7.steps"}),
    ("the sampler's name in a node of its own", "parts.json", "sampler_name", {"6.sampler_name"}),
    ("a seed that two nodes share", "well.json", "seed", {"2:1.seed", "3:1.seed"}),
]


@pytest.mark.parametrize(("file", "name", "places"), [row[1:] for row in FOUND], ids=[row[0] for row in FOUND])
def test_finds(file, name, places):
    hole = import_file(file).guess.holes[name]
    assert {f"{spot.node}.{spot.input}" for spot in hole.spots} == places


KINDS = [
    ("lantern.json", "still", "sd15"),
    ("two-pass.json", "still", "sdxl"),
    ("Paper Boats.json", "loop", "animatediff"),
    ("tide.json", "video", "wan"),
    ("parts.json", "still", "flux"),
    ("noise.json", "still", "none"),
]


@pytest.mark.parametrize(("name", "phase", "family"), KINDS)
def test_phase_and_model_family_are_guessed(name, phase, family):
    manifest = import_file(name).manifest
    assert (manifest.phase, manifest.family) == (phase, family)


def test_a_clip_keeps_its_rate_and_a_rule_of_lengths_that_its_own_length_fits():
    boats, tide = import_file("Paper Boats.json").manifest, import_file("tide.json").manifest
    assert boats.rate.native == 12
    assert boats.frame_problem(48, 12) == ""
    assert tide.rate.native == 16
    assert tide.frame_problem(81, 16) == ""
    assert "can't make 80 frames" in tide.frame_problem(80, 16)


def test_pictures_come_from_the_still_of_a_video_and_from_the_shots_pose_for_a_pose_controlnet():
    assert {name: given.source for name, given in import_file("tide.json").manifest.inputs.items()} == {"image": "still"}
    assert {name: given.source for name, given in import_file("lantern.json").manifest.inputs.items()} == {"pose": "control.pose"}


def test_a_phase_that_a_person_names_counts():
    graph = read("noise.json").graph
    graph["1"]["inputs"]["batch_size"] = 6
    clip = import_graph(graph, "video")
    assert clip.manifest.phase == "video"
    assert clip.sample["frames"] == 6
    assert clip.graph["1"]["inputs"]["batch_size"] == 6
    still = import_graph(graph)
    assert still.graph["1"]["inputs"]["batch_size"] == 1


def test_what_finishes_works_on_a_picture_and_needs_no_words():
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "2": {"class_type": "ImageScaleBy", "inputs": {"image": ["1", 0], "upscale_method": "lanczos", "scale_by": 2.0}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
    }
    made = import_graph(graph, "finish")
    assert made.manifest.finishes
    assert made.manifest.inputs["image"].source == "picture"
    assert notes(made, hand=True) == ""


def test_a_length_that_is_interpolated_is_fixed_at_what_comes_out():
    graph = read("tide.json").graph
    graph["13"] = {"class_type": "RIFE VFI", "inputs": {"frames": ["10", 0], "multiplier": 2}}
    graph["11"]["inputs"]["images"] = ["13", 0]
    made = import_graph(graph)
    assert made.manifest.frames.exact == (161,)
    assert "frames" not in made.guess.holes
    assert made.graph["7"]["inputs"]["length"] == 81


def test_two_pictures_of_a_video_are_the_still_and_a_reference():
    graph = read("tide.json").graph
    graph["14"] = {"class_type": "LoadImage", "inputs": {"image": "face.png"}}
    graph["15"] = {"class_type": "ImageBatch", "inputs": {"image1": ["6", 0], "image2": ["14", 0]}}
    graph["7"]["inputs"]["start_image"] = ["15", 0]
    assert {name: given.source for name, given in import_graph(graph).manifest.inputs.items()} == {"image": "still", "image_2": "reference"}


def notes(made, *, hand):
    return " ".join(note.text for note in made.guess.notes if note.hand is hand)


def test_what_could_not_be_guessed_or_was_changed_is_said():
    assert "no sampler was found" in notes(import_file("noise.json"), hand=True)
    assert "MoonlightGrade" in notes(import_file("unknown-pack.json"), hand=True)
    assert "node 6 (LatentUpscale) keeps its own width and height" in notes(import_file("two-pass.json"), hand=True)
    assert "4 pictures at a time" in notes(import_file("two-pass.json"), hand=False)
    assert "node 12 (SaveVideo) is now a SaveImage" in notes(import_file("tide.json"), hand=False)
    assert "those of project and characters do not go in" in notes(import_file("lantern.json"), hand=False)
    page = import_file("two-pass.json").files["README.md"]
    assert page.index("What a person has to look at") < page.index("LatentUpscale") < page.index("What was changed or left")


def test_a_seed_of_fewer_bits_still_takes_every_seed_of_koma():
    few = Signatures({**load_recorded().classes, "ImageAddNoise": {**load_recorded().classes["ImageAddNoise"], "required": {
        "image": {"type": "IMAGE"}, "seed": {"type": "INT", "min": 0, "max": 2**32 - 1}, "strength": {"type": "FLOAT"}}}})  # fmt: skip
    saved = lossless(read("noise.json").graph, few)
    made = guess(saved, few)
    assert made.holes["seed"].limits.max == 2**64 - 1
    (text,) = JinjaRenderer().render("g", graph_text(made), [{"seed": 2**32 + 7, "width": 8, "height": 8, "output_prefix": "x"}])
    assert json.loads(text)["2"]["inputs"]["seed"] == 7


def test_a_value_that_fits_no_parameter_stays_in_the_graph():
    graph = read("noise.json").graph
    graph["2"]["inputs"]["seed"] = -1
    made = import_graph(graph)
    assert made.guess.holes.keys() == {"width", "height"}
    assert made.graph["2"]["inputs"]["seed"] == -1
    assert "no seed was found" in notes(made, hand=True)


texts = st.text(st.characters(exclude_categories=["Cs"])) | st.lists(
    st.sampled_from(["{{", "}}", "{%", "%}", "{#", "#}", "{% raw %}", '"', "\\", "\n", "\r", "コ", "{", " seed "])
).map("".join)


@settings(deadline=None, max_examples=60)
@given(texts, texts)
def test_no_text_of_a_workflow_is_read_as_a_tag(prompt, other):
    graph = read("lantern.json").graph
    graph["6"]["inputs"]["text"], graph["20"]["inputs"]["control_net_name"] = prompt, other
    made = import_graph(graph)
    seen = made.graph["6"]["inputs"]["text"]
    assert seen == prompt or ("prompt" in made.sample and seen == unicodedata.normalize("NFC", prompt))
    assert made.graph["20"]["inputs"]["control_net_name"] == other


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(values)
def test_every_json_value_survives_the_template_language(value):
    (text,) = JinjaRenderer().render("g", literal({"a": value}), [{}])
    assert json.loads(text) == {"a": value}


@given(
    texts.filter(lambda text: not find_forbidden(text))
    | st.integers(-(10**30), 10**30)
    | st.booleans()
    | st.sampled_from(["no", "1e3", "~"])
)
def test_every_value_survives_yaml(value):
    (document,) = read_yaml(f"a: {scalar(value)}\nb: {{c: {scalar(value)}, d: 1}}\n", "f").documents
    wanted = unicodedata.normalize("NFC", value) if isinstance(value, str) else value
    assert document.data == {"a": wanted, "b": {"c": wanted, "d": 1}}
