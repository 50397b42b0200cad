"""Template folders: where they are looked for, what makes them new, and what is wrong with them."""

import pytest

from koma.core.draft import LoadedTemplate
from koma.core.snapshot import Snapshot, SourceFile
from koma.engine.templates import Templates
from support.worlds import hexed

MANIFEST = """\
kind: template
name: noise
title: Noise
description: Noise.
phase: still
family: none
parameters:
  seed: {type: int, min: 0, max: 100, description: Seed.}
outputs: {media: image, description: A picture.}
vram_gb: 0
estimate_seconds: 2
"""
GRAPH = '{"1": {"class_type": "EmptyImage", "inputs": {}}}'
HOME = "projects/p"


class Files:
    def __init__(self):
        self.texts = {}
        self.reads = 0
        self.manifests = {}
        self.add("templates", "noise")

    def add(self, root, name, manifest=MANIFEST, graph=GRAPH):
        if manifest is not None:
            self.texts[f"{root}/{name}/template.yaml"] = manifest.replace("name: noise", f"name: {name}")
        if graph is not None:
            self.texts[f"{root}/{name}/graph.json.j2"] = graph

    def snapshot(self):
        return Snapshot((HOME,), {}, {}, {path: SourceFile(path, hexed(text), len(text)) for path, text in self.texts.items()})

    def read(self, files):
        self.reads += 1
        return {file.path: self.texts[file.path].encode() for file in files if file.path in self.texts}

    def manifest(self, name):
        return self.manifests.get(name, "")

    def put_manifest(self, name, manifest):
        self.manifests[name] = manifest


@pytest.fixture
def files():
    return Files()


def found(files, templates=None):
    templates = templates or Templates(files, "templates", files)
    templates.load(files.snapshot())
    return templates


def test_a_template_is_read_with_its_graph(files):
    known, problems = found(files).of(HOME)
    assert problems == {}
    loaded = known["noise"]
    assert isinstance(loaded, LoadedTemplate)
    assert (loaded.file, loaded.text, loaded.manifest.family) == ("templates/noise/graph.json.j2", GRAPH, "none")


def test_a_project_s_own_template_goes_before_the_workspace_s(files):
    files.add(f"{HOME}/templates", "noise", graph="{}")
    files.add(f"{HOME}/templates", "own")
    templates = found(files)
    assert templates.of(HOME)[0]["noise"].file == f"{HOME}/templates/noise/graph.json.j2"
    assert templates.of("projects/q")[0]["noise"].file == "templates/noise/graph.json.j2"
    assert (templates.names(HOME), templates.names("projects/q")) == (["noise", "own"], ["noise"])


DIGESTS = {
    "its manifest": ("templates/noise/template.yaml", True),
    "its graph": ("templates/noise/graph.json.j2", True),
    "its sample": ("templates/noise/sample.yaml", False),
    "its README": ("templates/noise/README.md", False),
    "another template": ("templates/other/graph.json.j2", False),
}


@pytest.mark.parametrize(("path", "moves"), DIGESTS.values(), ids=DIGESTS.keys())
def test_what_makes_a_template_another(files, path, moves):
    before = found(files).digests(HOME)["noise"]
    files.texts[path] = "other"
    assert (found(files).digests(HOME)["noise"] != before) is moves


@pytest.mark.parametrize("missing", ["template.yaml", "graph.json.j2"])
def test_a_template_with_a_file_missing_is_a_problem(files, missing):
    del files.texts[f"templates/noise/{missing}"]
    known, problems = found(files).of(HOME)
    assert (known, [(str(p.place), p.code) for p in problems["noise"]]) == ({}, [(f"templates/noise/{missing}", "missing-file")])


def test_a_manifest_that_can_not_be_used_is_a_problem_and_the_others_go_on(files):
    files.add("templates", "broken", manifest=MANIFEST.replace("phase: still", "phase: stil"))
    known, problems = found(files).of(HOME)
    assert list(known) == ["noise"]
    assert {p.place.file for p in problems["broken"]} == {"templates/broken/template.yaml"}


def test_a_template_is_read_once_while_it_stays_as_it_is(files):
    templates = found(files)
    for _ in range(3):
        found(files, templates).of(HOME)
    assert files.reads == 1
    files.texts["templates/noise/graph.json.j2"] = "{}"
    assert found(files, templates).of(HOME)[0]["noise"].text == "{}"
    assert files.reads == 2


def test_a_template_that_was_taken_away_is_gone(files):
    templates = found(files)
    files.texts.clear()
    assert found(files, templates).of(HOME) == ({}, {})


def test_files_beside_template_folders_are_no_templates(files):
    files.texts["templates/README.md"] = "x"
    files.texts["templates/template.yaml"] = "x"
    assert found(files).names(HOME) == ["noise"]


def test_a_graph_that_is_no_text_is_read_all_the_same(files):
    files.read = lambda wanted: {file.path: b"\xff" if file.path.endswith("j2") else MANIFEST.encode() for file in wanted}
    assert found(files).of(HOME)[0]["noise"].text == "\ufffd"


def test_a_manifest_that_was_read_before_is_not_parsed_again(files):
    once = found(files).of(HOME)
    (name,) = files.manifests
    files.manifests[name] = files.manifests[name].replace('"title": "', '"title": "From the cache: ')
    again, problems = found(files).of(HOME)
    assert problems == {}
    assert again["noise"].manifest.title == f"From the cache: {once[0]['noise'].manifest.title}"


def test_a_manifest_with_other_bytes_is_parsed_again(files):
    found(files).of(HOME)
    files.add("templates", "noise", MANIFEST.replace("title: ", "title: New "))
    assert found(files).of(HOME)[0]["noise"].manifest.title.startswith("New ")


def test_a_template_that_calls_itself_by_another_name_is_a_problem(files):
    files.texts["templates/noise/template.yaml"] = MANIFEST.replace("name: noise", "name: hum")
    known, problems = found(files).of(HOME)
    assert not known
    assert [(problem.code, problem.place.file) for problem in problems["noise"]] == [("wrong-name", "templates/noise/template.yaml")]
