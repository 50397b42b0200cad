"""Every sample of every shipped template, with each set, taken by a real ComfyUI server that has the node packs.

A server checks a graph when it takes it and loads models only when it runs it, so empty files with the right names stand for the models
(tests/README.md says how to get there). Nothing is rendered: another prompt holds the server until the graph is out of its queue again.
"""

import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from koma.backends.comfyui.backend import ComfyUIBackend
from koma.core.graph import PLACEHOLDER, check_graph, parse_graph, with_output_prefix
from koma.core.manifest import parse_sample, parse_template
from koma.core.media import InputFile, Media
from koma.core.node_rules import Signatures
from koma.core.request import RenderRequest, Stage, SubmitOutcome
from koma.core.template import Template, bind
from koma.core.words import BackendKind
from koma.templating.jinja import JinjaRenderer
from support.needs import real_comfyui_packs
from support.pictures import drawing, save, save_clip

TEMPLATES = Path(__file__).parents[2] / "templates"
SAMPLES = sorted(TEMPLATES.glob("*/sample*.yaml"))
RENDITIONS = ("draft", "final")

each_graph = pytest.mark.parametrize(
    ("sample", "rendition"),
    [
        pytest.param(sample, rendition, id=f"{sample.parent.name}-{sample.stem}-{rendition}")
        for sample in SAMPLES
        for rendition in RENDITIONS
    ],
)


@pytest.fixture
async def backend() -> AsyncIterator[ComfyUIBackend]:
    backend = ComfyUIBackend("packs", real_comfyui_packs())
    await backend.open()
    yield backend
    await backend.close()


@pytest.fixture
async def signatures(backend: ComfyUIBackend) -> Signatures:
    answer = await backend.signatures()
    assert answer is not None, "the server does not answer"
    return Signatures(answer, live=True)


def template_in(folder: Path) -> Template:
    template = parse_template((folder / "template.yaml").read_bytes(), f"{folder.name}/template.yaml")
    assert isinstance(template, Template), template
    return template


def graph_of(sample: Path, rendition: str) -> dict[str, Any]:
    values = parse_sample(sample.read_bytes(), f"{sample.parent.name}/{sample.name}")
    assert not isinstance(values, list), values
    params, problems = bind(template_in(sample.parent), values, rendition)
    assert problems == []
    text = (sample.parent / "graph.json.j2").read_text(encoding="utf-8")
    (rendered,) = JinjaRenderer().render("graph.json.j2", text, [params])
    assert isinstance(rendered, str), rendered
    graph = parse_graph(rendered, "graph.json.j2")
    assert isinstance(graph, dict), graph
    return graph


def placeholders(graph: dict[str, Any]) -> list[str]:
    values = [value for node in graph.values() for value in node["inputs"].values()]
    return sorted({value for value in values if isinstance(value, str) and value.startswith(PLACEHOLDER)})


def clips(template: Template) -> set[str]:
    return {PLACEHOLDER + name for name, given in template.inputs.items() if given.source == "clip"}


def files_for(graph: dict[str, Any], template: Template, folder: Path) -> Iterator[tuple[InputFile, Path]]:
    """Make a small clip or picture for each placeholder of the graph."""
    for name in placeholders(graph):
        suffix = ".mkv" if name in clips(template) else ".png"
        file = folder / f"{name.removeprefix(PLACEHOLDER)}{suffix}"
        frames = [drawing(64, 64, shift) for shift in range(4)]
        made = save_clip(file, frames) if suffix == ".mkv" else save(frames[0], file)
        yield InputFile(name, "0" * 64, uuid.uuid4().hex, suffix), made


def request(graph: dict[str, Any], prefix: str, inputs: tuple[InputFile, ...] = ()) -> RenderRequest:
    document = with_output_prefix(graph, prefix)
    return RenderRequest(str(uuid.uuid4()), prefix, BackendKind.COMFYUI, document, inputs, Media.FRAMES, prefix, 8.0, 0)


def holding() -> RenderRequest:
    """What keeps a server busy for a while: a batch that is blurred over and over. It stops between two of its nodes."""
    graph: dict[str, Any] = {
        "9": {"class_type": "EmptyImage", "inputs": {"width": 512, "height": 512, "batch_size": 8, "color": time.time_ns() % 2**24}},
        "save": {"class_type": "SaveImage", "inputs": {"images": ["49", 0], "filename_prefix": "-"}},
    }
    for number in range(10, 50):
        graph[str(number)] = {"class_type": "ImageBlur", "inputs": {"image": [str(number - 1), 0], "blur_radius": 31, "sigma": 5.0}}
    return request(graph, f"koma/test/{uuid.uuid4().hex}/holding")


async def test_the_server_has_a_file_for_every_model_that_a_sample_names(signatures: Signatures) -> None:
    graphs = [graph_of(sample, rendition) for sample in SAMPLES for rendition in RENDITIONS]
    problems = [problem for graph in graphs for problem in check_graph(graph, signatures, "graph.json.j2")]
    missing = sorted({problem.missing for problem in problems if problem.missing})
    assert not missing, "missing on the server, where empty files will do:\n" + "\n".join(missing)


@each_graph
async def test_the_server_takes_the_graph(
    backend: ComfyUIBackend, signatures: Signatures, tmp_path: Path, sample: Path, rendition: str
) -> None:
    graph = graph_of(sample, rendition)
    assert check_graph(graph, signatures, "graph.json.j2") == []
    files = dict(files_for(graph, template_in(sample.parent), tmp_path))
    asked = request(graph, f"koma/test/{uuid.uuid4().hex}/take1", tuple(files))
    before = holding()
    assert (await backend.submit(before, {})).outcome is SubmitOutcome.ACCEPTED
    try:
        answer = await backend.submit(asked, {item.name: file for item, file in files.items()})
    finally:
        await backend.cancel(asked.prompt_id)
        await backend.cancel(before.prompt_id)
    assert answer.outcome is SubmitOutcome.ACCEPTED, answer.failure  # HTTP 200 and no node_errors
    assert (await backend.ask(asked.prompt_id)).stage is Stage.ABSENT
