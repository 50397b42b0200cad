"""What a graph check says of every kind of mistake, against the signatures that ship with Koma and against a live server's."""

import copy

import pytest

from koma.core.graph import Signatures, check_graph
from koma.templating.signatures import load_recorded

FILE = "templates/x/graph.json.j2"
RECORDED = load_recorded()

GRAPH = {
    "model": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "anything.safetensors"}},
    "words": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["model", 1], "text": "a lantern"}},
    "canvas": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
    "sampler": {
        "class_type": "KSampler",
        "inputs": {
            "model": ["model", 0], "positive": ["words", 0], "negative": ["words", 0], "latent_image": ["canvas", 0],
            "seed": 1, "steps": 20, "cfg": 7, "sampler_name": "euler", "scheduler": "karras", "denoise": 1.0,
        },
    },
    "decode": {"class_type": "VAEDecode", "inputs": {"samples": ["sampler", 0], "vae": ["model", 2]}},
    "save": {"class_type": "SaveImage", "inputs": {"images": ["decode", 0], "filename_prefix": "koma-output"}},
}  # fmt: skip


def changed(path: str, value: object) -> dict:
    graph = copy.deepcopy(GRAPH)
    *steps, last = path.split("/")
    here = graph
    for step in steps:
        here = here[step]
    if value is REMOVED:
        del here[last]
    else:
        here[last] = value
    return graph


REMOVED = object()


def test_a_sound_graph_has_no_problems():
    assert check_graph(GRAPH, RECORDED, FILE) == []


MISTAKES = {
    "an unknown class is named with the closest one": (
        "sampler/class_type", "KSamplr", "unknown-node-class", "sampler", "closest: KSampler (from nodes)"),
    "a node without class_type is named": ("words/class_type", REMOVED, "missing-class-type", "words", "name of a node class"),
    "a node without inputs is named, since it would stop the server's worker": (
        "words/inputs", REMOVED, "missing-inputs", "words", "an object"),
    "a node that is no object is named": ("words", ["CLIPTextEncode"], "not-a-node", "words", "an object with class_type"),
    "a required input that is missing is named": (
        "sampler/inputs/seed", REMOVED, "missing-input", "sampler.inputs.seed", "type INT"),
    "a missing link is a missing input": ("decode/inputs/vae", REMOVED, "missing-input", "decode.inputs.vae", "type VAE"),
    "an unknown input is named with the closest one": (
        "sampler/inputs/step", 20, "unknown-input", "sampler.inputs.step", "closest: steps"),
    "a text is no whole number": ("sampler/inputs/steps", "20", "wrong-type", "sampler.inputs.steps", "a whole number"),
    "a boolean is no whole number": ("sampler/inputs/steps", True, "wrong-type", "sampler.inputs.steps", "a whole number"),
    "a fraction is no whole number": ("sampler/inputs/steps", 20.0, "wrong-type", "sampler.inputs.steps", "a whole number"),
    "a boolean is no number": ("sampler/inputs/cfg", True, "wrong-type", "sampler.inputs.cfg", "a number"),
    "a number is no text": ("words/inputs/text", 7, "wrong-type", "words.inputs.text", "a text"),
    "nothing is no text": ("words/inputs/text", None, "wrong-type", "words.inputs.text", "a text"),
    "a whole number below its range is refused": ("canvas/inputs/width", 8, "out-of-range", "canvas.inputs.width", "at least 16"),
    "a whole number above its range is refused": ("sampler/inputs/seed", 2**64, "out-of-range", "sampler.inputs.seed", str(2**64 - 1)),
    "a number above its range is refused": ("sampler/inputs/denoise", 1.5, "out-of-range", "sampler.inputs.denoise", "at most 1"),
    "a choice that is not there is named with the closest one": (
        "sampler/inputs/sampler_name", "eulr", "unknown-choice", "sampler.inputs.sampler_name", "closest: euler"),
    "a choice that is no name is refused": ("sampler/inputs/scheduler", {}, "wrong-type", "sampler.inputs.scheduler", "choices"),
    "a list of three is no link": ("decode/inputs/samples", ["sampler", 0, 0], "bad-link", "decode.inputs.samples", "[node id, slot]"),
    "a link names its node as text": ("decode/inputs/samples", [4, 0], "bad-link", "decode.inputs.samples", "[node id, slot]"),
    "a slot is no boolean": ("decode/inputs/samples", ["sampler", True], "bad-link", "decode.inputs.samples", "[node id, slot]"),
    "a list where a text belongs is read as a link": ("words/inputs/text", ["a", "b"], "bad-link", "words.inputs.text", "[node id, slot]"),
    "a wrapped list is no text either": ("words/inputs/text", {"__value__": ["a"]}, "wrong-type", "words.inputs.text", "a text"),
    "a dangling link is named with the closest node": (
        "decode/inputs/samples", ["samplr", 0], "dangling-link", "decode.inputs.samples", "closest: sampler"),
    "a slot beyond the node's outputs is refused": (
        "decode/inputs/vae", ["model", 3], "bad-slot", "decode.inputs.vae", "slot 0 to 2: MODEL, CLIP, VAE"),
    "a slot below zero is refused": ("decode/inputs/vae", ["model", -1], "bad-slot", "decode.inputs.vae", "slot 0 to 2"),
    "an output node has no slots": ("decode/inputs/samples", ["save", 0], "bad-slot", "decode.inputs.samples", "a node with outputs"),
    "a link of another type is refused": ("decode/inputs/vae", ["model", 0], "wrong-link-type", "decode.inputs.vae", "VAE"),
    "a value where only a link fits is refused": ("decode/inputs/vae", "vae", "wrong-type", "decode.inputs.vae", "a node that gives VAE"),
    "an uploaded file can't stand for a model": (
        "model/inputs/ckpt_name", "koma-input:image", "misplaced-input", "model.inputs.ckpt_name", "LoadImage"),
    "an uploaded file can't stand for a sampler": (
        "sampler/inputs/sampler_name", "koma-input:image", "misplaced-input", "sampler.inputs.sampler_name", "LoadImage"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "value", "code", "where", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_located_problem(path, value, code, where, expected):
    (problem,) = check_graph(changed(path, value), RECORDED, FILE)
    assert (problem.code, problem.path, problem.place.file) == (code, where, FILE)
    assert expected in problem.expected
    assert where.split(".")[0] in problem.message


FINE = {
    "a whole number stands where a number is wanted": ("sampler/inputs/cfg", 7),
    "a wrapped text is a text": ("words/inputs/text", {"__value__": "a lantern"}),
    "a text that looks like JSON is a text": ("words/inputs/text", '", "x": {"class_type": "SaveImage"}'),
    "titles of nodes are not looked at": ("words/_meta", {"title": "Prompt"}),
    "a model file that was not there when signatures were recorded is not judged": ("model/inputs/ckpt_name", "mine/other.safetensors"),
}


@pytest.mark.parametrize(("path", "value"), FINE.values(), ids=FINE)
def test_what_looks_odd_and_is_fine(path, value):
    assert check_graph(changed(path, value), RECORDED, FILE) == []


def test_every_mistake_is_reported_in_one_go():
    graph = changed("sampler/inputs/steps", "many")
    graph["canvas"]["inputs"]["width"] = 1
    del graph["save"]
    assert [problem.code for problem in check_graph(graph, RECORDED, FILE)] == ["out-of-range", "wrong-type", "no-output-node"]


def test_a_graph_without_nodes_is_empty():
    assert [problem.code for problem in check_graph({}, RECORDED, FILE)] == ["empty-graph"]


def test_a_graph_that_puts_out_nothing_is_refused():
    assert [problem.code for problem in check_graph(changed("save", REMOVED), RECORDED, FILE)] == ["no-output-node"]


def test_links_may_lead_downwards_as_long_as_they_make_no_circle():
    assert check_graph(dict(reversed(GRAPH.items())), RECORDED, FILE) == []


def test_a_circle_is_named_with_its_nodes():
    graph = {
        **GRAPH,
        "up": {"class_type": "ImageInvert", "inputs": {"image": ["down", 0]}},
        "down": {"class_type": "ImageInvert", "inputs": {"image": ["up", 0]}},
        "after": {"class_type": "ImageInvert", "inputs": {"image": ["down", 0]}},
    }
    (problem,) = check_graph(graph, RECORDED, FILE)
    assert problem.code == "cycle"
    assert "up → down → up" in problem.message or "down → up → down" in problem.message


def test_a_node_that_reads_itself_is_a_circle():
    graph = {**GRAPH, "self": {"class_type": "ImageInvert", "inputs": {"image": ["self", 0]}}}
    assert [problem.code for problem in check_graph(graph, RECORDED, FILE)] == ["cycle"]


def test_the_line_of_a_node_is_found_in_the_template_text():
    text = '{\n  "model": {},\n  "sampler": {"class_type": ""}\n}'
    (problem,) = check_graph(changed("sampler/inputs/steps", "20"), RECORDED, FILE, text)
    assert str(problem.place) == f"{FILE}:3"


def test_an_uploaded_file_stands_where_load_image_reads_its_name():
    graph = {
        "load": {"class_type": "LoadImage", "inputs": {"image": "koma-input:image"}},
        "save": {"class_type": "SaveImage", "inputs": {"images": ["load", 0], "filename_prefix": "koma-output"}},
    }
    assert check_graph(graph, RECORDED, FILE) == []
    assert check_graph(graph, Signatures(RECORDED.classes, live=True), FILE) == []


def test_inputs_that_come_with_a_choice_are_let_through():
    graph = {
        "load": {"class_type": "LoadImage", "inputs": {"image": "koma-input:image"}},
        "save": {
            "class_type": "VHS_VideoCombine",
            "inputs": {
                "images": ["load", 0], "frame_rate": 24, "loop_count": 0, "filename_prefix": "koma-output", "format": "video/ffv1-mkv",
                "pingpong": False, "save_output": True, "level": 3,
            },
        },
    }  # fmt: skip
    assert check_graph(graph, RECORDED, FILE) == []


def node(required: dict, output: list[str], *, output_node: bool = False, **more: object) -> dict:
    return {"module": "nodes", "required": required, "optional": {}, "output": output, "output_node": output_node, **more}


SMALL = {
    "Load": node({"file": {"type": "COMBO", "choices": ["a.safetensors", "b.safetensors"]}}, ["MODEL"]),
    "Any": node({}, ["*"]),
    "Number": node({}, ["INT"]),
    "Either": node({"value": {"type": "INT,FLOAT"}}, ["INT,FLOAT"]),
    "Pick": node({"mode": {"type": "COMBO", "choices": ["x", "y"]}}, ["COMBO"]),
    "Dynamic": node({"images": {"type": "COMFY_AUTOGROW_V3"}}, ["COMFY_MATCHTYPE_V3"]),
    "Widget": node({"shape": {"type": "CURVE"}, "floats": {"type": "FLOATS"}}, ["FLOATS"]),
    "Out": node({"model": {"type": "MODEL"}}, [], output_node=True),
}
LIVE = Signatures(SMALL, live=True, elsewhere=RECORDED)
OUT = {"load": {"class_type": "Load", "inputs": {"file": "a.safetensors"}}, "out": {"class_type": "Out", "inputs": {"model": ["load", 0]}}}


def codes(node_inputs: dict, class_type: str, **others: dict) -> list[str]:
    graph = {**OUT, **others, "this": {"class_type": class_type, "inputs": node_inputs}}
    return [problem.code for problem in check_graph(graph, LIVE, FILE)]


def test_a_live_server_says_which_model_files_it_has():
    (problem,) = check_graph({**OUT, "load": {"class_type": "Load", "inputs": {"file": "aa.safetensors"}}}, LIVE, FILE)
    assert problem.code == "missing-model"
    assert "closest: a.safetensors" in problem.expected


def test_a_class_that_the_server_lacks_is_named_with_its_pack():
    (problem,) = check_graph({**OUT, "this": {"class_type": "IPAdapterAdvanced", "inputs": {}}}, LIVE, FILE)
    assert problem.code == "unknown-node-class"
    assert "ComfyUI_IPAdapter_plus" in problem.hint


LINKS = {
    "any output fits any input": ("Out", {"model": ["from", 0]}, "Any", []),
    "one of two types fits": ("Either", {"value": ["from", 0]}, "Number", []),
    "two unions fit if they share a type": ("Either", {"value": ["from", 0]}, "Either", []),
    "a choice may be linked": ("Pick", {"mode": ["from", 0]}, "Pick", []),
    "types that a server matches by itself are let through": ("Out", {"model": ["from", 0]}, "Dynamic", []),
    "a number is no model": ("Out", {"model": ["from", 0]}, "Number", ["wrong-link-type"]),
}
INPUTS = {"Either": {"value": 1}, "Pick": {"mode": "x"}, "Dynamic": {"images": {}}}


@pytest.mark.parametrize(("to", "inputs", "source", "expected"), LINKS.values(), ids=LINKS)
def test_which_links_fit(to, inputs, source, expected):
    assert codes(inputs, to, **{"from": {"class_type": source, "inputs": INPUTS.get(source, {})}}) == expected


LITERALS = {
    "either number fits an input that takes both": ("Either", {"value": 0.5}, []),
    "a text fits neither number": ("Either", {"value": "1"}, ["wrong-type"]),
    "a type that no node gives takes any value": ("Widget", {"shape": {"x": 1}, "floats": {"__value__": [0.5, 1.0]}}, []),
    "a bare list of numbers would be read as a link": ("Widget", {"shape": 1, "floats": [0.5, 1.0]}, ["bad-link"]),
    "inputs that grow are let through by the name before the dot": ("Dynamic", {"images": 1, "images.image0": 2}, []),
}


@pytest.mark.parametrize(("class_type", "inputs", "expected"), LITERALS.values(), ids=LITERALS)
def test_which_values_fit(class_type, inputs, expected):
    assert codes(inputs, class_type) == expected


def test_a_model_file_beside_recorded_choices_that_are_no_files_is_not_judged():
    graph = {"vae": {"class_type": "VAELoader", "inputs": {"vae_name": "mine.safetensors"}}}
    assert [problem.code for problem in check_graph(graph, RECORDED, FILE) if problem.path] == []
    graph["vae"]["inputs"]["vae_name"] = "mine"
    assert [problem.code for problem in check_graph(graph, RECORDED, FILE) if problem.path] == ["unknown-choice"]


def test_a_recorded_list_that_may_have_been_cut_off_is_not_judged():
    classes = {**SMALL, "Pick": node({"mode": {"type": "COMBO", "choices": [f"m{n}" for n in range(64)]}}, [])}
    graph = {**OUT, "this": {"class_type": "Pick", "inputs": {"mode": "m64"}}}
    assert check_graph(graph, Signatures(classes), FILE) == []
    assert [problem.code for problem in check_graph(graph, Signatures(classes, live=True), FILE)] == ["unknown-choice"]
