"""Every folder in templates/: its manifest, the graphs it makes, and what no value can do to them. A new template needs no code here.

`KOMA_UPDATE_GOLDEN=1 pytest tests/templating/test_templates_golden.py` writes the golden graphs anew; look at the diff before
committing it.
"""

import json
import os
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koma.core.graph import PLACEHOLDER, canonical_graph, check_graph, expected_outputs, parse_graph
from koma.core.manifest import parse_sample, parse_template
from koma.core.parameter import ParameterType
from koma.core.template import STANDARD, Template, bind
from koma.templating.jinja import JinjaRenderer
from koma.templating.signatures import load_recorded

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "graphs"
FOLDERS = sorted(path.parent for path in (ROOT / "templates").glob("*/template.yaml"))
SAMPLES = [sample for folder in FOLDERS for sample in sorted(folder.glob("sample*.yaml"))]
RENDERER = JinjaRenderer()
RENDITIONS = ("draft", "final")


def label(sample: Path) -> str:
    """`still` for its sample.yaml, `still.two-characters` for its sample-two-characters.yaml."""
    return sample.parent.name + sample.stem.removeprefix("sample").replace("-", ".", 1)


folders = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
samples = pytest.mark.parametrize("sample", SAMPLES, ids=label)


@cache
def manifest(folder: Path) -> Template:
    template = parse_template((folder / "template.yaml").read_bytes(), f"templates/{folder.name}/template.yaml")
    assert isinstance(template, Template), template
    return template


def text_of(folder: Path) -> str:
    return (folder / "graph.json.j2").read_text(encoding="utf-8")


@cache
def values_of(sample: Path) -> dict:
    values = parse_sample(sample.read_bytes(), f"templates/{sample.parent.name}/{sample.name}")
    assert isinstance(values, dict), values
    return values


def bound(sample: Path, rendition: str = "final", **values) -> dict:
    params, problems = bind(manifest(sample.parent), {**values_of(sample), **values}, rendition)
    assert problems == []
    return params


def drawn(folder: Path, params: dict) -> dict:
    (rendered,) = RENDERER.render(f"templates/{folder.name}/graph.json.j2", text_of(folder), [params])
    assert isinstance(rendered, str), rendered
    graph = parse_graph(rendered, str(folder))
    assert isinstance(graph, dict), graph
    return graph


def graph_of(sample: Path, rendition: str = "final", **values) -> dict:
    return drawn(sample.parent, bound(sample, rendition, **values))


def samples_of(folder: Path) -> list[Path]:
    return [sample for sample in SAMPLES if sample.parent == folder]


def texts_in(value) -> set[str]:
    if isinstance(value, dict):
        return {text for item in value.values() for text in texts_in(item)}
    if isinstance(value, list):
        return {text for item in value for text in texts_in(item)}
    return {value} if isinstance(value, str) else set()


def placeholders(value) -> set[str]:
    return {text for text in texts_in(value) if text.startswith(PLACEHOLDER)}


def test_there_are_templates_to_look_at():
    assert {"still", "svd-video", "character-sheet", "style-transfer", "post"} <= {folder.name for folder in FOLDERS}


@folders
def test_a_template_is_called_like_its_folder_and_has_a_page_and_a_sample(folder):
    assert manifest(folder).name == folder.name
    assert (folder / "README.md").read_text(encoding="utf-8").startswith(f"# {folder.name}\n")
    assert folder / "sample.yaml" in samples_of(folder)


@folders
def test_the_graph_reads_everything_that_is_declared_and_nothing_else(folder):
    template = manifest(folder)
    wanted = {*template.parameters, *template.inputs, "output_prefix"}
    wanted |= {"characters"} if template.characters else set()
    wanted |= {"style_references"} if template.style_references else set()
    assert set(RENDERER.names("graph.json.j2", text_of(folder))) == wanted


@samples
@pytest.mark.parametrize("rendition", RENDITIONS)
def test_a_sample_gives_its_golden_graph(sample, rendition):
    text = json.dumps(graph_of(sample, rendition), indent=2) + "\n"
    golden = GOLDEN / f"{label(sample)}.{rendition}.json"
    if os.environ.get("KOMA_UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert golden.is_file(), "no golden graph yet: run with KOMA_UPDATE_GOLDEN=1"
    assert text == golden.read_text(encoding="utf-8")


def test_there_is_no_golden_graph_without_a_sample():
    assert {file.name for file in GOLDEN.glob("*.json")} == {
        f"{label(sample)}.{rendition}.json" for sample in SAMPLES for rendition in RENDITIONS
    }


@samples
@pytest.mark.parametrize("rendition", RENDITIONS)
def test_a_graph_fits_the_recorded_signatures_and_puts_out_a_file(sample, rendition):
    graph = graph_of(sample, rendition)
    assert check_graph(graph, load_recorded(), "graph.json.j2") == []
    assert expected_outputs(graph, load_recorded())


@samples
def test_every_node_of_a_graph_leads_to_its_output(sample):
    graph = graph_of(sample)
    reached, found = set(), list(expected_outputs(graph, load_recorded()))
    while found:
        reached.add(node := found.pop())
        found += [value[0] for value in graph[node]["inputs"].values() if isinstance(value, list) and value[0] not in reached]
    assert graph.keys() == reached


@samples
def test_every_picture_that_is_given_has_its_placeholder_in_the_graph_and_no_other(sample):
    required = {PLACEHOLDER + name for name, given in manifest(sample.parent).inputs.items() if given.required}
    assert placeholders(graph_of(sample)) == required | placeholders(values_of(sample))


@folders
def test_the_packs_that_its_graphs_take_nodes_from_are_named(folder):
    classes = {node["class_type"] for sample in samples_of(folder) for node in graph_of(sample).values()}
    packs = {load_recorded().pack_of(name) for name in classes}
    assert {pack for pack in packs if not pack.startswith(("nodes", "comfy_extras"))} == set(manifest(folder).node_packs)


def edges(template: Template) -> list[tuple[str, object]]:
    found = []
    for name, parameter in template.parameters.items():
        found += [(name, choice) for choice in parameter.choices]
        found += [(name, bound) for bound in (parameter.min, parameter.max) if bound is not None]
        if parameter.type is ParameterType.LORA_LIST:
            found.append((name, []))
        if parameter.type is ParameterType.BOOL:
            found += [(name, False), (name, True)]
    return found


@samples
def test_every_choice_and_every_limit_of_a_parameter_gives_a_sound_graph(sample):
    for name, value in edges(manifest(sample.parent)):
        graph = graph_of(sample, **{name: value})
        assert check_graph(graph, load_recorded(), "graph.json.j2") == [], (name, value)


@folders
def test_every_parameter_changes_the_graph_of_some_sample(folder):
    template = manifest(folder)
    plain = {sample: canonical_graph(graph_of(sample)) for sample in samples_of(folder)}
    for name, value in edges(template):
        differ = [sample for sample in plain if name not in STANDARD and value != bound(sample).get(name)]
        assert not differ or any(canonical_graph(graph_of(sample, **{name: value})) != plain[sample] for sample in differ), (name, value)


@folders
def test_every_rung_of_a_ladder_changes_the_graph_of_some_sample_and_leaves_it_sound(folder):
    template = manifest(folder)
    before = {sample: graph_of(sample) for sample in samples_of(folder)}
    for rungs in range(1, len(template.ladder) + 1):
        after = {sample: drawn(folder, template.reduced(bound(sample), rungs)) for sample in before}
        assert after != before, template.ladder[rungs - 1]
        assert [problem for graph in after.values() for problem in check_graph(graph, load_recorded(), "graph.json.j2")] == []
        before = after


hostile = st.text() | st.sampled_from(
    ['"', "\\", '"}}, "z": {"class_type": "SaveImage", "inputs": {', "{{ seed }}", "{% raw %}", "\n", "\x00"]
)


@samples
@settings(deadline=None, max_examples=25)
@given(st.lists(hostile, max_size=4).map("".join))
def test_no_text_changes_the_nodes_of_a_graph(sample, text):
    template, values = manifest(sample.parent), values_of(sample)
    given = {name: text for name, parameter in template.parameters.items() if parameter.type is ParameterType.STRING}
    if "characters" in values:
        given["characters"] = [{**who, "prompt": text, "name": text, "negative": text} for who in values["characters"]]
    changed, plain = graph_of(sample, **given), graph_of(sample)
    assert {node: (value["class_type"], value["inputs"].keys()) for node, value in changed.items()} == {
        node: (value["class_type"], value["inputs"].keys()) for node, value in plain.items()
    }
    inputs = [value for node in changed.values() for value in node["inputs"].values()]
    assert all(text in inputs for name in given if name != "characters")
