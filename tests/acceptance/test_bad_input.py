"""Mistakes in what people write: each is one located error, holds only what reads it, and leaves alone what was published."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest

from support.served import CHECKPOINT, ServedComfyUI
from support.workspaces import AKI_DOC, PROJECT, Workspace

SCENE_FILE, AKI_FILE, PROJECT_FILE = "projects/demo/s01.yaml", "projects/demo/aki.yaml", "projects/demo/project.yaml"
ELSEWHERE, BYSTANDER = "projects/demo/s02.yaml", "demo/s02/sh010/still"
PICTURE = "projects/demo/references/aki/adult/face.png"
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="600" height="600"/>\n'
VAST = b"\x89PNG\r\n\x1a\n" + bytes.fromhex("0000000d4948445200009c4000009c400802000000")  # 40,000 x 40,000 px
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"

NOISE = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 8421504}},
    "2": {"class_type": "ImageAddNoise", "inputs": {"image": ["1", 0], "seed": "{{ seed }}", "strength": 0.5}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "{{ output_prefix }}"}},
}


def graph_text(nodes: Mapping[str, Any]) -> str:
    """A graph file with one node to a line, where `"{{ x }}"` becomes `{{ x }}`."""
    rows = ",\n ".join(f'"{name}": {json.dumps(node)}' for name, node in nodes.items())
    return "{" + rows.replace('"{{', "{{").replace('}}"', "}}") + "}\n"


def special(workspace: Workspace, nodes: Mapping[str, Any], more: str = "") -> None:
    """Draw the still of sh020 with a template of its own."""
    manifest = workspace.read("templates/noise/template.yaml").replace("name: noise", "name: special")
    workspace.write("templates/special/template.yaml", manifest + more)
    workspace.write("templates/special/graph.json.j2", graph_text(nodes))
    workspace.write("templates/special/sample.yaml", "seed: 1\n")
    workspace.edit(SCENE_FILE, "    framing: close-up\n", "    framing: close-up\n    templates: {still: special}\n")


def with_picture(content: bytes) -> Callable[[Workspace], None]:
    """Let sh020 read a reference picture with these bytes."""

    def act(workspace: Workspace) -> None:
        nodes = {**NOISE, "1": {"class_type": "LoadImage", "inputs": {"image": "{{ face }}"}}}
        special(workspace, nodes, "inputs:\n  face: {from: reference, description: Who it is.}\n")
        workspace.write(PICTURE, content)

    return act


def with_parameter(text: str) -> Callable[[Workspace], None]:
    """Set a parameter of sh020's template."""
    lines = f"    framing: close-up\n    parameters:\n      noise:\n        {text}\n"
    return lambda workspace: workspace.edit(SCENE_FILE, "    framing: close-up\n", lines)


FOLLOWS = """\
  - id: sh040
    phases: [video]
    start_from: {shot: sh001}
"""


def changed(path: str, old: str, new: str) -> Callable[[Workspace], None]:
    return lambda workspace: workspace.edit(path, old, new)


def written(path: str, content: str | bytes) -> Callable[[Workspace], None]:
    def act(workspace: Workspace) -> None:
        workspace.write(path, content)

    return act


def drawn(**nodes: Any) -> Callable[[Workspace], None]:
    """Draw sh020 with some nodes of the graph replaced: `n2={...}`."""
    return lambda workspace: special(workspace, {**NOISE, **{name.removeprefix("n"): node for name, node in nodes.items()}})


def noise(image: Any, **inputs: Any) -> dict[str, Any]:
    return {"class_type": "ImageAddNoise", "inputs": {"image": image, "seed": "{{ seed }}", "strength": 0.5, **inputs}}


def loader(checkpoint: str) -> dict[str, Any]:
    return {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": checkpoint}}


class Mistake(NamedTuple):
    """What a person does wrong, and the one error that follows: its code, file, line (0: the file has none), and words in it."""

    act: Callable[[Workspace], None]
    code: str
    file: str
    line: int
    says: str


SPECIAL = "templates/special/graph.json.j2"
MANIFEST = SPECIAL.replace("graph.json.j2", "template.yaml")
MISTAKES = {
    "a field that does not exist": Mistake(changed(SCENE_FILE, "seed: 7", "sed: 7"), "unknown-field", SCENE_FILE, 11, "seed"),
    "a value of the wrong type": Mistake(changed(SCENE_FILE, "frames: 4", "frames: many"), "wrong-type", SCENE_FILE, 10, "whole number"),
    "a value out of range": Mistake(changed(SCENE_FILE, "frames: 4", "frames: 0"), "out-of-range", SCENE_FILE, 10, "1"),
    "a character that nobody defines": Mistake(
        changed(SCENE_FILE, "{id: aki, version: adult}", "{id: aky, version: adult}"), "missing-reference", SCENE_FILE, 15, "aki"
    ),
    "a version that the character does not have": Mistake(
        changed(SCENE_FILE, "{id: aki, version: adult}", "{id: aki, version: old}"), "missing-reference", SCENE_FILE, 15, "adult"
    ),
    "a template that does not exist": Mistake(
        changed(SCENE_FILE, "    framing: close-up", "    templates:\n      still: nois"), "missing-template", SCENE_FILE, 15, "noise"
    ),
    "a file that is not YAML": Mistake(changed(AKI_FILE, "name: Aki", "name: [Aki"), "not-yaml", AKI_FILE, 4, "]"),
    "a scene that is not YAML": Mistake(changed(SCENE_FILE, "time: night", "time: [night"), "not-yaml", SCENE_FILE, 5, "]"),
    "a scene that lost its id": Mistake(changed(SCENE_FILE, "id: s01\n", ""), "missing-field", SCENE_FILE, 1, "id"),
    "a file that is not text": Mistake(written(AKI_FILE, bytes(range(256)) * 4), "not-utf-8", AKI_FILE, 2, "UTF-8"),
    "the same id in two files": Mistake(lambda w: w.write("projects/demo/copy.yaml", AKI_DOC), "duplicate-id", AKI_FILE, 1, "copy.yaml"),
    "a Git LFS pointer where a document should be": Mistake(written(AKI_FILE, POINTER), "git-lfs-pointer", AKI_FILE, 1, "git lfs pull"),
    "a Git LFS pointer where a picture should be": Mistake(with_picture(POINTER), "git-lfs-pointer", PICTURE, 0, "git lfs pull"),
    "a picture that can't be decoded": Mistake(with_picture(b"\x89PNG\r\n\x1a\nbroken"), "unreadable-image", PICTURE, 0, "decoded"),
    "an SVG drawing named .png": Mistake(with_picture(SVG), "unreadable-image", PICTURE, 0, "SVG"),
    "a picture of 40,000 x 40,000 pixels": Mistake(with_picture(VAST), "unreadable-image", PICTURE, 0, "40000 x 40000"),
    "a sheet of a character without pictures": Mistake(
        lambda w: w.append(AKI_FILE, "sheet: true\n"), "no-references", AKI_FILE, 9, "references/aki/"
    ),
    "a shot that continues from one that does not exist": Mistake(
        lambda w: w.append(SCENE_FILE, FOLLOWS), "missing-reference", SCENE_FILE, 22, "sh010"
    ),
    "shots that continue from one another in a circle": Mistake(
        lambda w: w.append(SCENE_FILE, FOLLOWS.replace("sh001", "sh040")), "cycle", SCENE_FILE, 22, "sh040"
    ),
    "a parameter out of its range": Mistake(with_parameter("width: 8"), "wrong-parameter", SCENE_FILE, 17, "16"),
    "a parameter of another type": Mistake(with_parameter("width: wide"), "wrong-parameter", SCENE_FILE, 17, "number"),
    "a parameter that the template does not have": Mistake(with_parameter("widht: 64"), "unknown-parameter", SCENE_FILE, 17, "width"),
    "a template that uses a name it does not declare": Mistake(
        drawn(n2=noise(["1", 0], strength="{{ strenght }}")), "template-undefined", SPECIAL, 2, "strenght"
    ),
    "a template with a node class that the server does not have": Mistake(
        drawn(n2={**noise(["1", 0]), "class_type": "ImageAddNoize"}), "unknown-node-class", SPECIAL, 2, "ImageAddNoise"
    ),
    "a template whose nodes go round in a circle": Mistake(
        drawn(n2=noise(["4", 0]), n4={"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}}), "cycle", SPECIAL, 2, "4"
    ),
    "a template with a link to nowhere": Mistake(drawn(n2=noise(["9", 0])), "dangling-link", SPECIAL, 2, "9"),
    "a template that is no JSON": Mistake(lambda w: (special(w, NOISE), w.append(SPECIAL, "}"))[0], "not-json", SPECIAL, 4, "JSON"),
    "a template whose manifest has a wrong word": Mistake(
        lambda w: (special(w, NOISE), w.edit(MANIFEST, "phase: still", "phase: stil"))[0], "unknown-value", MANIFEST, 5, "still"
    ),
    "a checkpoint that the server does not have": Mistake(drawn(n5=loader("inc.safetensors")), "missing-model", SPECIAL, 4, CHECKPOINT),
    "a length that no template can make": Mistake(changed(SCENE_FILE, "frames: 4", "frames: 101"), "frame-count", SCENE_FILE, 10, "100"),
}


@pytest.fixture
def published(workspace: Workspace) -> Workspace:
    """Everything rendered, and a second scene that has nothing to do with any mistake."""
    workspace.write(ELSEWHERE, "kind: scene\nid: s02\nphases: [still]\nshots:\n  - {id: sh010, characters: [ren], seed: 1}\n")
    workspace.once()
    return workspace


def errors(plan: Any) -> list[Any]:
    return [problem for problem in plan["problems"] if problem["severity"] == "error"]


def the_one(found: list[Any], mistake: Mistake) -> Any:
    """The only error; an id that stands twice is told at both places."""
    here = [problem for problem in found if mistake.code != "duplicate-id" or problem["file"] == mistake.file]
    assert len(here) == 1, here
    assert (here[0]["code"], here[0]["file"], here[0]["line"]) == (mistake.code, mistake.file, mistake.line), here[0]
    return here[0]


@pytest.mark.parametrize("mistake", [pytest.param(mistake, id=name) for name, mistake in MISTAKES.items()])
def test_one_clear_error_and_everything_else_goes_on_after(mistake: Mistake, published: Workspace, server: ServedComfyUI) -> None:
    before = published.pictures()
    mistake.act(published)
    published.edit(ELSEWHERE, "seed: 1", "seed: 2")

    problem = the_one(errors(published.plan()), mistake)
    checked = published.koma("check", "--json")
    assert the_one(errors(checked.json), mistake) == problem
    assert checked.code == 1
    assert problem["message"]
    assert problem["expected"] or problem["hint"]
    assert mistake.says in " ".join([problem["message"], problem["expected"], problem["hint"]])
    assert published.koma("plan").code == 1

    prompts = server.prompts
    done = published.once(code=1)

    assert server.prompts == prompts + 1
    after = published.pictures()
    assert {path for path in {*after, *before} if after.get(path) != before.get(path)} == {f"{BYSTANDER}.png"}
    assert f"{mistake.file}:{mistake.line}" in done.err or not mistake.line
    assert published.plan()["summary"]["retire"] == 0


@pytest.mark.parametrize("file", [PROJECT_FILE, SCENE_FILE], ids=["project", "scene"])
def test_a_parameter_that_many_shots_share_is_one_mistake_where_it_is_set(file: str, published: Workspace) -> None:
    line = len(published.read(file).splitlines()) + 3
    published.append(file, "parameters:\n  noise:\n    width: 8\n")
    found = errors(published.plan())
    assert [(problem["code"], problem["file"], problem["line"]) for problem in found] == [("wrong-parameter", file, line)]


def test_a_character_whose_file_is_gone_holds_its_shots_and_retires_nothing(published: Workspace, server: ServedComfyUI) -> None:
    before = published.pictures()
    (published.root / AKI_FILE).unlink()
    assert {(problem["code"], problem["line"]) for problem in errors(published.plan())} == {("missing-reference", n) for n in (9, 12, 15)}
    published.once(code=1)
    assert published.pictures() == before
    assert server.prompts == 5
    published.write(AKI_FILE, AKI_DOC)
    assert published.actions() == {}


def test_a_checkpoint_that_the_server_has_is_no_mistake(published: Workspace, server: ServedComfyUI) -> None:
    drawn(n5=loader(CHECKPOINT))(published)
    assert errors(published.plan()) == []
    published.once()
    assert server.prompts == 6


def test_a_mended_file_goes_on_where_it_was(published: Workspace, server: ServedComfyUI) -> None:
    published.write(AKI_FILE, "kind: [")
    published.once(code=1)
    published.write(AKI_FILE, AKI_DOC)
    published.once()
    assert server.prompts == 5
    assert published.actions() == {}


def test_a_length_that_no_template_can_make_is_no_mistake_on_the_animatic(published: Workspace) -> None:
    published.edit(SCENE_FILE, "frames: 4", "frames: 101")
    assert [problem["code"] for problem in errors(published.plan())] == ["frame-count"]
    assert errors(published.plan("--rendition", "animatic")) == []


def test_a_project_document_that_cannot_be_read_holds_the_project_and_retires_nothing(published: Workspace, server: ServedComfyUI) -> None:
    before = published.pictures()
    published.write(PROJECT_FILE, PROJECT + "description: [\n")
    assert [(problem["file"], problem["code"]) for problem in errors(published.plan())] == [(PROJECT_FILE, "not-yaml")]
    published.once(code=1)
    assert published.pictures() == before
    assert server.prompts == 5


def test_two_mistakes_are_both_told_in_one_go(published: Workspace) -> None:
    published.edit(SCENE_FILE, "seed: 7", "sed: 7")
    published.edit(AKI_FILE, "#ffbe3c", "yellowish")
    assert sorted(problem["file"] for problem in errors(published.plan())) == [AKI_FILE, SCENE_FILE]


SAMPLE = SPECIAL.replace("graph.json.j2", "sample.yaml")


def sampled(text: str) -> Callable[[Workspace], None]:
    """Give sh020 a template whose sample says this in its second line."""
    return lambda workspace: (special(workspace, NOISE), workspace.append(SAMPLE, text))[0]


WRONG_TEMPLATES = {
    "nodes that go round in a circle": MISTAKES["a template whose nodes go round in a circle"],
    "a node class that nobody has": MISTAKES["a template with a node class that the server does not have"],
    "a name that it does not declare": MISTAKES["a template that uses a name it does not declare"],
    "a value out of its node's range": Mistake(
        drawn(n2={**noise(["1", 0]), "inputs": {"image": ["1", 0], "seed": 1, "strength": 7}}), "out-of-range", SPECIAL, 2, "1"
    ),
    "a default out of its own range": Mistake(
        lambda w: (special(w, NOISE), w.edit(MANIFEST, "width: {type: int, default: 64,", "width: {type: int, default: 8,"))[0],
        "wrong-parameter",
        MANIFEST,
        11,
        "16",
    ),
    "a sample with a value out of range": Mistake(sampled("width: 8\n"), "wrong-parameter", SAMPLE, 2, "16"),
    "a sample with a name that the template does not have": Mistake(sampled("widht: 64\n"), "unknown-parameter", SAMPLE, 2, "width"),
    "a sample that leaves out what is needed": Mistake(
        lambda w: (special(w, NOISE), w.write(SAMPLE, "width: 64\n"))[0], "missing-parameter", SAMPLE, 1, "seed"
    ),
}


@pytest.mark.parametrize("mistake", [pytest.param(mistake, id=name) for name, mistake in WRONG_TEMPLATES.items()])
def test_koma_template_check_tells_once_and_in_its_place_of(mistake: Mistake, workspace: Workspace) -> None:
    mistake.act(workspace)
    assert workspace.koma("template", "check", "noise", "noisevid").code == 0
    done = workspace.koma("template", "check", "special", "--json")
    assert done.code == 1
    problem = the_one(errors(done.json), mistake)
    assert mistake.says in " ".join([problem["message"], problem["expected"], problem["hint"]])
