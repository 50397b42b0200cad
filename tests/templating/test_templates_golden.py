"""Every folder in templates/: its manifest, the graphs it makes, and what no value can do to them. A new template needs no code here.

`KOMA_UPDATE_GOLDEN=1 pytest tests/templating/test_templates_golden.py` writes the golden graphs anew; look at the diff before
committing it.
"""

import json
import os
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
RENDERER = JinjaRenderer()
RENDITIONS = ("draft", "final")

folders = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def load(folder: Path) -> tuple[Template, str, dict]:
    template = parse_template((folder / "template.yaml").read_bytes(), f"templates/{folder.name}/template.yaml")
    assert isinstance(template, Template), template
    sample = parse_sample((folder / "sample.yaml").read_bytes(), f"templates/{folder.name}/sample.yaml")
    assert isinstance(sample, dict), sample
    return template, (folder / "graph.json.j2").read_text(encoding="utf-8"), sample


def graph_of(folder: Path, rendition: str = "final", **values) -> dict:
    template, text, sample = load(folder)
    params, problems = bind(template, {**sample, **values}, rendition)
    assert problems == []
    (rendered,) = RENDERER.render(f"templates/{folder.name}/graph.json.j2", text, [params])
    assert isinstance(rendered, str), rendered
    graph = parse_graph(rendered, str(folder))
    assert isinstance(graph, dict), graph
    return graph


def test_there_are_templates_to_look_at():
    assert {"still", "svd-video"} <= {folder.name for folder in FOLDERS}


@folders
def test_a_template_is_called_like_its_folder_and_has_a_page(folder):
    assert load(folder)[0].name == folder.name
    assert (folder / "README.md").read_text(encoding="utf-8").startswith(f"# {folder.name}\n")


@folders
def test_the_graph_reads_everything_that_is_declared_and_nothing_else(folder):
    template, text, _ = load(folder)
    assert set(RENDERER.names("graph.json.j2", text)) == {*template.parameters, *template.inputs, "output_prefix"}


@folders
@pytest.mark.parametrize("rendition", RENDITIONS)
def test_the_sample_gives_the_golden_graph(folder, rendition):
    graph = graph_of(folder, rendition)
    golden = GOLDEN / f"{folder.name}.{rendition}.json"
    if os.environ.get("KOMA_UPDATE_GOLDEN"):
        golden.write_text(json.dumps(graph, indent=2) + "\n", encoding="utf-8")
    assert golden.is_file(), "no golden graph yet: run with KOMA_UPDATE_GOLDEN=1"
    assert json.dumps(graph, indent=2) + "\n" == golden.read_text(encoding="utf-8")


@folders
@pytest.mark.parametrize("rendition", RENDITIONS)
def test_the_graph_fits_the_recorded_signatures_and_puts_out_a_file(folder, rendition):
    graph = graph_of(folder, rendition)
    assert check_graph(graph, load_recorded(), "graph.json.j2") == []
    assert expected_outputs(graph, load_recorded())


@folders
def test_every_picture_has_its_placeholder_in_the_graph(folder):
    template, _, sample = load(folder)
    texts = {value for node in graph_of(folder).values() for value in node["inputs"].values() if isinstance(value, str)}
    wanted = {PLACEHOLDER + name for name, given in template.inputs.items() if given.required or sample.get(name)}
    assert {text for text in texts if text.startswith(PLACEHOLDER)} == wanted


def edges(template: Template) -> list[tuple[str, object]]:
    found = []
    for name, parameter in template.parameters.items():
        found += [(name, choice) for choice in parameter.choices]
        found += [(name, bound) for bound in (parameter.min, parameter.max) if bound is not None]
        if parameter.type is ParameterType.LORA_LIST:
            found.append((name, []))
    return found


@folders
def test_every_choice_and_every_limit_of_a_parameter_gives_a_sound_graph(folder):
    template = load(folder)[0]
    for name, value in edges(template):
        graph = graph_of(folder, **{name: value})
        assert check_graph(graph, load_recorded(), "graph.json.j2") == [], (name, value)


@folders
def test_every_parameter_changes_the_graph(folder):
    template = load(folder)[0]
    graph = canonical_graph(graph_of(folder))
    for name, value in edges(template):
        if name not in STANDARD and value != bind(template, {}, "final")[0].get(name):
            assert canonical_graph(graph_of(folder, **{name: value})) != graph, name


hostile = st.text() | st.sampled_from(
    ['"', "\\", '"}}, "z": {"class_type": "SaveImage", "inputs": {', "{{ seed }}", "{% raw %}", "\n", "\x00"]
)


@folders
@settings(deadline=None, max_examples=25)
@given(st.lists(hostile, max_size=4).map("".join))
def test_no_text_changes_the_nodes_of_a_graph(folder, text):
    template = load(folder)[0]
    given = {name: text for name, parameter in template.parameters.items() if parameter.type is ParameterType.STRING}
    changed, plain = graph_of(folder, **given), graph_of(folder)
    assert {node: (value["class_type"], value["inputs"].keys()) for node, value in changed.items()} == {
        node: (value["class_type"], value["inputs"].keys()) for node, value in plain.items()
    }
    values = [value for node in changed.values() for value in node["inputs"].values()]
    assert all(text in values for _ in given)
