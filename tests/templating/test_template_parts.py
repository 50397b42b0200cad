"""Parts of the shipped graphs that are there only where a shot has something for them, and what holds for all of them."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koma.core.graph import check_graph, parse_graph
from koma.core.manifest import parse_sample, parse_template
from koma.core.manifest_model import Manifest
from koma.core.node_rules import Signatures
from koma.core.signatures import from_object_info
from koma.core.template import Template, bind
from koma.templating.jinja import JinjaRenderer
from koma.templating.signatures import load_recorded

TEMPLATES = Path(__file__).parents[2] / "templates"
SAMPLES = sorted(TEMPLATES.glob("*/sample*.yaml"))
RENDERER = JinjaRenderer()


def graph(name: str, sample: str = "sample.yaml", rendition: str = "final", **values) -> dict:
    """Graph of a shipped template's sample with these values over it; a value of None takes one away."""
    folder = TEMPLATES / name
    template = parse_template((folder / "template.yaml").read_bytes(), f"{name}/template.yaml")
    assert isinstance(template, Template), template
    given = {**parse_sample((folder / sample).read_bytes(), sample), **values}
    params, problems = bind(template, {key: value for key, value in given.items() if value is not None}, rendition)
    assert problems == []
    (text,) = RENDERER.render(name, (folder / "graph.json.j2").read_text(encoding="utf-8"), [params])
    made = parse_graph(text, name)
    assert isinstance(made, dict), made
    return made


def inputs(made: dict, node: str) -> dict:
    return made[node]["inputs"]


def cast() -> list[dict]:
    return parse_sample((TEMPLATES / "still/sample-two-characters.yaml").read_bytes(), "")["characters"]


def without_pictures(who: dict) -> dict:
    return {**who, "references": [], "sheet": [], "pose": None}


def test_characters_without_pictures_leave_the_graph_as_it_is():
    assert graph("still", characters=[without_pictures(who) for who in cast()]) == graph("still")


def test_two_characters_are_shown_to_the_model_one_after_the_other_each_in_its_own_region():
    made = graph("still", "sample-two-characters.yaml")
    first, second = inputs(made, "identity1"), inputs(made, "identity2")
    assert (first["model"], second["model"]) == (["adapter", 0], ["identity1", 0])
    assert inputs(made, "sampler")["model"] == ["identity2", 0]
    for identity, who in ((first, cast()[0]), (second, cast()[1])):
        region = inputs(made, identity["attn_mask"][0])
        share = inputs(made, region["source"][0])
        assert {"x": region["x"], "y": region["y"], "width": share["width"], "height": share["height"]} == who["region"]
        assert identity["weight"] == who["weight"]


@pytest.mark.parametrize("index", [0, 1], ids=["the left one", "the right one"])
def test_one_of_two_characters_that_has_pictures_keeps_to_its_region(index):
    both = [without_pictures(who) for who in cast()]
    both[index] = cast()[index]
    made = graph("still", "sample-two-characters.yaml", characters=both)
    identity = inputs(made, f"identity{index + 1}")
    assert identity["model"] == ["adapter", 0]
    assert identity["attn_mask"] == [f"region{index + 1}", 0]
    assert f"identity{2 - index}" not in made


def test_one_character_alone_has_the_whole_picture():
    identity = inputs(graph("still", characters=cast()[:1]), "identity1")
    assert "attn_mask" not in identity


def test_the_poses_of_two_characters_come_onto_one_canvas():
    made = graph("still", "sample-two-characters.yaml")
    pose = inputs(made, "pose")
    placed = [inputs(made, pose[key][0]) for key in ("image1", "image2")]
    assert [(node["x"], node["y"]) for node in placed] == [(who["pose"]["x"], who["pose"]["y"]) for who in cast()]
    assert pose["blend_mode"] == "screen"  # black takes nothing away


def test_the_shots_own_pose_counts_instead_of_its_characters_poses():
    made = graph("still", "sample-two-characters.yaml", pose="koma-input:pose")
    assert inputs(made, inputs(made, "pose_control")["image"][0]) == {"image": "koma-input:pose"}
    assert not any("aki.pose" in str(node) for node in made.values())


@settings(deadline=None)
@given(st.integers(8, 256).map(lambda n: 8 * n), st.integers(8, 256).map(lambda n: 8 * n), st.floats(0.25, 1.0))
def test_a_smaller_canvas_fits_the_model_and_the_file_keeps_its_size(width, height, scale):
    made = graph("still", width=width, height=height, scale=scale)
    canvas = inputs(made, "canvas")
    assert canvas["width"] % 8 == canvas["height"] % 8 == 0
    assert abs(canvas["width"] - width * scale) <= 4
    last = inputs(made, inputs(made, "save")["images"][0])
    size = (last["width"], last["height"]) if "width" in last else (canvas["width"], canvas["height"])
    assert size == (width, height)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.parent.name}/{sample.stem}")
def test_noise_is_put_on_partly_only_where_there_is_something_to_draw_over(sample):
    made = graph(sample.parent.name, sample.name)
    partly = [node["inputs"] for node in made.values() if node["class_type"] == "KSampler" and node["inputs"]["denoise"] < 1]
    assert not [given for given in partly if made[given["latent_image"][0]]["class_type"].startswith("Empty")]


def test_style_transfer_works_on_a_picture_or_on_a_clip():
    picture, clip = graph("style-transfer", "sample-picture.yaml"), graph("style-transfer")
    assert inputs(picture, "source") == {"image": "koma-input:picture"}
    assert inputs(clip, "clip") == {"file": "koma-input:clip"}
    assert not [node for node in picture.values() if node["class_type"].startswith("ADE_")]


def test_style_transfer_of_nothing_is_refused():
    problems = check_graph(graph("style-transfer", clip=None), load_recorded(), "graph.json.j2")
    assert [problem.path for problem in problems] == ["source.inputs.image"]


def test_a_face_is_held_only_where_there_is_one_to_hold():
    assert "face" in graph("character-sheet", face_id=True)
    assert "face" not in graph("character-sheet", face_id=True, characters=[])


@pytest.mark.parametrize(("times", "there"), [(1, False), (2, True), (8, True)])
def test_frames_in_between_are_drawn_where_they_are_asked_for(times, there):
    made = graph("post", interpolate=times)
    assert ("interpolate" in made) is there
    assert not there or inputs(made, "interpolate")["multiplier"] == times


VIDEO_INPUT = {"file": ["COMBO", {"options": ["old.mp4"], "video_upload": True}]}
LIVE = {"LoadVideo": {"input": {"required": VIDEO_INPUT}, "output": ["VIDEO"], "output_node": True}}


def test_a_running_server_takes_a_clip_that_is_not_uploaded_yet():
    live = Signatures(from_object_info(LIVE), live=True)
    assert check_graph({"clip": graph("post")["clip"]}, live, "graph.json.j2") == []


@pytest.mark.parametrize("rendition", ["draft", "final"])
def test_drafts_and_finals_of_stills_differ_in_steps_and_guidance(rendition):
    sampler = inputs(graph("still", rendition=rendition), "sampler")
    assert (sampler["steps"], sampler["cfg"]) == {"draft": (15, 7.0), "final": (25, 8.0)}[rendition]


def test_the_page_about_templates_explains_every_field_and_lists_every_template():
    page = (TEMPLATES / "README.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`[^|]*) \|", page, re.MULTILINE))))
    assert set(Manifest.model_fields) - {"kind"} <= rows
    assert "`kind: template`" in page
    assert set(re.findall(r"^\| \[([\w-]+)\]\(", page, re.MULTILINE)) == {
        folder.parent.name for folder in TEMPLATES.glob("*/template.yaml")
    }
