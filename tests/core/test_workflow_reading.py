"""Reading workflows: JSON in two forms, PNG pictures, and whatever else a person hands over."""

import copy
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from koma.core.manifest import parse_template
from koma.core.node_rules import Signatures
from koma.core.problem import Problem
from koma.core.template import Template
from koma.core.workflow import Workflow, read_workflow
from koma.core.workflow_folder import folder_files
from koma.core.workflow_guess import guess
from koma.core.workflow_outputs import lossless
from koma.core.workflow_png import text_chunks
from koma.templating.signatures import load_recorded
from support.imported import WORKFLOWS, api_nodes, nodes_of, read


def picture(**texts):
    info, stream = PngInfo(), io.BytesIO()
    for name, text in texts.items():
        info.add_text(name, text, zip=name == "packed")
    Image.new("RGB", (4, 4)).save(stream, "PNG", pnginfo=info)
    return stream.getvalue()


def test_a_picture_gives_the_graph_that_the_server_ran_rather_than_what_the_editor_showed():
    ran, shown = (WORKFLOWS / "noise.json").read_text(), (WORKFLOWS / "orchard.ui.json").read_text()
    found = read_workflow(picture(prompt=ran, workflow=shown), "a.png", load_recorded())
    assert nodes_of(found.graph) == api_nodes("noise.json")
    assert found.form == "PNG picture, API format"
    found = read_workflow(picture(workflow=shown), "a.png", load_recorded())
    assert nodes_of(found.graph) == api_nodes("orchard.json")


def test_texts_of_every_kind_are_read_and_broken_ones_left_out():
    data = picture(plain="a", packed="b" * 500)
    info = PngInfo()
    info.add_itxt("wide", "コマ", zip=True)
    stream = io.BytesIO()
    Image.new("RGB", (4, 4)).save(stream, "PNG", pnginfo=info)
    assert text_chunks(data) == {"plain": "a", "packed": "b" * 500}
    assert text_chunks(stream.getvalue()) == {"wide": "コマ"}
    assert text_chunks(data[:60]) is not None
    assert text_chunks(b"{}") is None


REFUSED = [
    ("text that is no JSON, with its place", b'{"1": {"class_type": "A",,}}', "not-json", (1, 26), "expecting property name"),
    ("JSON of something else", b'{"a": 1}', "not-a-workflow", (1, 1), "no node"),
    ("a list", b"[1, 2]", "not-a-workflow", (1, 1), "no node"),
    ("a picture without texts", picture(), "no-graph", (0, 0), "its texts: none"),
    ("a picture with other texts", picture(Software="x"), "no-graph", (0, 0), "its texts: Software"),
    ("a picture whose graph is broken", picture(prompt="{"), "not-json", (0, 0), "its text `prompt`"),
    ("a photo", b"\xff\xd8\xff\xe0", "not-utf-8", (0, 0), "neither a PNG picture nor UTF-8 text"),
    ("nesting without end", b"[" * 100_000, "not-json", (0, 0), "nested too deeply"),
    ("nesting below the parser's limit", b'{"a":' * 200 + b"1" + b"}" * 200, "not-json", (0, 0), "nested too deeply"),
    ("a number without end", b'{"a": ' + b"1" * 5000 + b"}", "not-a-workflow", (1, 1), "no node of ComfyUI"),
    ("an editor's file without nodes", b'{"nodes": [], "links": []}', "empty-graph", (0, 0), "no node that the server would run"),
]


@pytest.mark.parametrize(("data", "code", "place", "said"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refuses(data, code, place, said):
    problem = read_workflow(data, "folder/x", load_recorded())
    assert isinstance(problem, Problem)
    assert (problem.place, problem.code) == (("folder/x", *place), code)
    assert said in problem.message
    assert problem.expected


def test_nan_beside_the_graph_and_half_characters_in_it_do_no_harm():
    node = '{"1": {"class_type": "EmptyImage", "inputs": {"color": "\\ud83d x"}, "is_changed": [NaN]}}'
    found = read_workflow(node.encode(), "x", load_recorded())
    assert found.graph == {"1": {"class_type": "EmptyImage", "inputs": {"color": "\ufffd x"}}}


def ui(*nodes, links=()):
    data = json.dumps({"nodes": nodes, "links": links}).encode()
    found = read_workflow(data, "x", load_recorded())
    assert isinstance(found, Workflow), found
    return found


def node(node_id, kind, values, slots=(), **more):
    inputs = [{"name": name, "type": slot_type, "link": link} for name, slot_type, link in slots]
    return {"id": node_id, "type": kind, "widgets_values": values, "inputs": inputs, "mode": 0, **more}


def test_the_word_after_a_seed_is_no_value_and_a_text_that_looks_like_it_is_one():
    sampler = node(1, "KSampler", [7, "fixed", 20, 8, "euler", "normal", 1], [("model", "MODEL", 5)])
    assert ui(sampler).graph["1"]["inputs"] == {
        "seed": 7,
        "steps": 20,
        "cfg": 8,
        "sampler_name": "euler",
        "scheduler": "normal",
        "denoise": 1,
    }
    old = node(1, "KSampler", [7, 20, 8, "euler", "normal", 1])
    assert ui(old).graph["1"]["inputs"]["steps"] == 20
    assert ui(node(1, "PrimitiveInt", [7, "increment"])).graph["1"]["inputs"] == {"value": 7}
    assert ui(node(1, "PrimitiveString", ["fixed"])).graph["1"]["inputs"] == {"value": "fixed"}


def test_values_of_a_class_that_is_not_known_are_named_by_the_file_or_by_nobody():
    listed = node(1, "Far", [1, "a"])
    listed["inputs"] = [{"name": n, "type": "INT", "link": None, "widget": {"name": n}} for n in ("size", "mode")]
    end = node(2, "SaveImage", ["x"], [("images", "IMAGE", 1)])
    found = ui(listed, end, links=[[1, 1, 0, 2, 0, "IMAGE"]])
    assert found.graph["1"]["inputs"] == {"size": 1, "mode": "a"}
    found = ui(node(1, "Far", [1, "a"]), end, links=[[1, 1, 0, 2, 0, "IMAGE"]])
    assert found.graph["1"]["inputs"] == {}
    assert [note.hand for note in found.notes] == [True]


def test_values_by_name_stay_by_name_and_lists_are_written_as_constants():
    combine = node(1, "VHS_VideoCombine", {"frame_rate": 8, "crf": 19, "videopreview": {"params": {}}})
    assert ui(combine).graph["1"]["inputs"] == {"frame_rate": 8, "crf": 19}
    assert ui(node(1, "PrimitiveString", [["a", 0]])).graph["1"]["inputs"] == {"value": {"__value__": ["a", 0]}}


def test_a_muted_node_takes_its_links_with_it_and_a_bypassed_one_passes_on_its_own_type_only():
    first, last = node(1, "EmptyImage", [8, 8, 1, 0]), node(3, "SaveImage", ["x"], [("images", "IMAGE", 2)])
    links = [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]]
    blur = [("image", "IMAGE", 1)]
    muted = ui(first, node(2, "ImageBlur", [1, 1.0], blur, mode=2), last, links=links)
    assert "images" not in muted.graph["3"]["inputs"]
    assert "muted or missing" in muted.notes[0].text
    passed = ui(first, node(2, "ImageBlur", [1, 1.0], blur, mode=4), last, links=links)
    assert passed.graph["3"]["inputs"]["images"] == ["1", 0]
    other = ui(first, node(2, "ImageBlur", [1, 1.0], [("mask", "MASK", 1)], mode=4), last, links=links)
    assert "images" not in other.graph["3"]["inputs"]


def test_links_in_a_circle_of_reroutes_lead_nowhere():
    ring = [node(1, "Reroute", None, [("", "*", 2)]), node(2, "Reroute", None, [("", "*", 1)])]
    links = [[1, 1, 0, 2, 0, "*"], [2, 2, 0, 1, 0, "*"], [3, 2, 0, 3, 0, "IMAGE"]]
    assert "images" not in ui(*ring, node(3, "SaveImage", ["x"], [("images", "IMAGE", 3)]), links=links).graph["3"]["inputs"]


def test_subgraphs_in_one_another_end_and_are_said():
    inner = {"id": "s", "nodes": [{"id": 1, "type": "s"}, node(2, "EmptyImage", [8, 8, 1, 0])], "links": []}
    data = {"nodes": [{"id": 1, "type": "s"}], "links": [], "definitions": {"subgraphs": [inner]}}
    found = read_workflow(json.dumps(data).encode(), "x", load_recorded())
    assert any("nested too deeply" in note.text for note in found.notes)


def paths(value, here=()):
    yield here
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*here, key))


BASES = {name: json.loads((WORKFLOWS / name).read_text()) for name in ("orchard.ui.json", "well.ui.json", "lantern.json", "tide.json")}
PLACES = [(name, path) for name, data in BASES.items() for path in paths(data) if path]
junk = st.sampled_from([None, True, -1, 1.5, 10**25, "", "Reroute", "x", [], ["1", 0], [1, 2, 3, 4, 5, 6], {}, {"name": []}, [[]], [{}]])


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(PLACES), junk), min_size=1, max_size=3))
def test_a_damaged_workflow_is_a_problem_or_a_template_and_never_an_exception(damages):
    name = damages[0][0][0]
    data = copy.deepcopy(BASES[name])
    for (where, path), value in damages:
        if where == name:
            damage(data, path, copy.deepcopy(value))
    found = read_workflow(json.dumps(data).encode(), "x", load_recorded())
    saved = lossless(found.graph, load_recorded()) if isinstance(found, Workflow) else None
    if saved is not None:
        files = folder_files(guess(saved, load_recorded()), "made", "x", found.form)
        assert isinstance(parse_template(files["template.yaml"], "t"), Template)


def damage(data, path, value):
    for step in path[:-1]:
        if not (isinstance(data, dict) and step in data) and not (isinstance(data, list) and isinstance(step, int) and step < len(data)):
            return
        data = data[step]
    if isinstance(data, dict) or (isinstance(data, list) and isinstance(path[-1], int) and path[-1] < len(data)):
        data[path[-1]] = value


def test_the_recorded_signatures_keep_the_order_of_inputs_that_values_are_told_by():
    classes = load_recorded().classes
    assert list(classes["KSampler"]["required"])[:5] == ["model", "seed", "steps", "cfg", "sampler_name"]
    assert list(classes["EmptyLatentImage"]["required"]) == ["width", "height", "batch_size"]
    assert list(classes["VHS_VideoCombine"]["required"])[:4] == ["images", "frame_rate", "loop_count", "filename_prefix"]


def test_without_any_signature_an_api_file_is_still_read():
    found = read_workflow((WORKFLOWS / "lantern.json").read_bytes(), "x", Signatures({}))
    saved = lossless(found.graph, Signatures({}))
    assert {"prompt", "negative", "seed", "steps"} <= guess(saved, Signatures({})).holes.keys()
    assert read("lantern.json").graph == found.graph
