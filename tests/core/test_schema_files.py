"""Schemas, field reference and examples: generated files are current, examples are sound, every field is explained."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from koma.core.metrics import METRICS
from koma.core.parse import parse_document
from koma.core.schema import BEGIN, field_reference, schema_text, schemas, with_reference
from koma.core.spec import KINDS, model_of

SPECS = Path(__file__).parents[2] / "specs"
SCHEMAS = schemas()


def defined(schema):
    yield schema["title"], schema["properties"]
    for name, part in schema["$defs"].items():
        yield name, part.get("properties", {})


def fields_of(schema):
    return [(owner, name, field) for owner, properties in defined(schema) for name, field in properties.items()]


def test_every_kind_has_a_schema():
    assert SCHEMAS.keys() == {f"{kind}.schema.json" for kind in KINDS}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_file_is_current(name):
    assert (SPECS / name).read_text(encoding="utf-8") == schema_text(SCHEMAS[name]), "run `koma schema`"


def test_there_is_no_schema_file_of_a_kind_that_is_gone():
    assert {path.name for path in SPECS.glob("*.schema.json")} == SCHEMAS.keys()


def test_the_field_reference_is_current():
    readme = (SPECS / "README.md").read_text(encoding="utf-8")
    assert with_reference(readme) == readme, "run `koma schema`"


def test_a_readme_without_markers_is_refused():
    with pytest.raises(ValueError, match="markers"):
        with_reference(f"# Specs\n{BEGIN}\n")


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_is_valid_and_relative(name):
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMAS[name]["$id"] == name


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_has_a_description(name):
    assert [
        f"{owner}.{field}" for owner, field, schema in fields_of(SCHEMAS[name]) if not schema.get("description", "").endswith(".")
    ] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_stands_in_the_reference(kind):
    section = field_reference().partition(f"### `{kind}`")[2].partition("###")[0]
    assert [name for name in model_of(kind).model_fields if f"| `{name}` |" not in section] == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_nobody_is_offered_null(name):
    assert '"null"' not in schema_text(SCHEMAS[name])


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_is_sound_and_names_its_schema(kind):
    path = SPECS / "examples" / f"{kind}.yaml"
    text = path.read_text(encoding="utf-8")
    parsed = parse_document(text, path.name)
    assert [str(problem) for problem in parsed.problems] == []
    assert [document.kind for document in parsed.documents] == [kind]
    assert text.startswith(f"# yaml-language-server: $schema=../{kind}.schema.json\n")
    Draft202012Validator(SCHEMAS[f"{kind}.schema.json"]).validate(yaml.safe_load(text))


def test_the_calibration_of_the_example_is_one_of_now():
    shown = yaml.safe_load((SPECS / "examples" / "tuning.yaml").read_text(encoding="utf-8"))["thresholds"]
    calibrated = [one for one in shown if "basis" in one]
    assert calibrated
    assert [METRICS[one["metric"]].version for one in calibrated] == [one["basis"]["version"] for one in calibrated]


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_shows_every_field(kind):
    data = yaml.safe_load((SPECS / "examples" / f"{kind}.yaml").read_text(encoding="utf-8"))
    assert model_of(kind).model_fields.keys() - data.keys() == set()


WRONG = {
    "an unknown field": {"kind": "scene", "id": "a", "locaton": "b"},
    "an id in capitals": {"kind": "scene", "id": "A"},
    "a reserved id": {"kind": "scene", "id": "con"},
    "a number as an id": {"kind": "scene", "id": 10},
    "no id": {"kind": "scene"},
    "a word that is not on the list": {"kind": "scene", "id": "a", "time": "midnight"},
    "null": {"kind": "scene", "id": "a", "mood": None},
    "a bare character that is no id": {"kind": "scene", "id": "a", "characters": ["Aki"]},
    "a template key that is no id": {"kind": "scene", "id": "a", "parameters": {"My Template": {"x": 1}}},
    "a list as a parameter": {"kind": "scene", "id": "a", "parameters": {"still": {"x": [1]}}},
    "shots and cuts": {"kind": "scene", "id": "a", "shots": [], "cuts": []},
    "a wrong cut": {"kind": "scene", "id": "a", "cuts": [{"id": "b", "framing": "x"}]},
}


@pytest.mark.parametrize("document", WRONG.values(), ids=WRONG.keys())
def test_an_editor_sees_what_koma_refuses(document):
    assert not Draft202012Validator(SCHEMAS["scene.schema.json"]).is_valid(document)
    assert parse_document(json.dumps(document), "f.yaml").problems
