"""The pages say what the code says: words, settings, metrics."""

import re
from enum import StrEnum
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import koma.config
from koma.config import Config, load
from koma.core.words import ActionKind, Phase, Reason, Rendition, TargetState, Verdict
from koma.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[2]
ARCHITECTURE = (ROOT / "daemon/README.md").read_text()
MONITORING = (ROOT / "monitoring/README.md").read_text()


def rows(page: str, heading: str) -> list[list[str]]:
    table = page.partition(heading)[2].lstrip("\n").partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


@pytest.mark.parametrize("words", [Phase, Rendition, ActionKind, Verdict, TargetState], ids=lambda words: words.__name__)
def test_the_glossary_has_every_word(words: type[StrEnum]):
    glossary = ARCHITECTURE.partition("## Words")[2].partition("Reasons:")[0]
    assert [word for word in words if not re.search(rf"`{word}`", glossary)] == []


def test_the_list_of_reasons_is_the_list_of_the_code():
    assert [row[0].strip("`") for row in rows(ARCHITECTURE, "Reasons:")] == [str(reason) for reason in Reason]


def settings(owner: type, prefix: str = "") -> set[str]:
    names: set[str] = set()
    for name, kind in get_type_hints(owner, vars(koma.config)).items():
        items = [argument for argument in get_args(kind) if hasattr(argument, "_fields")]
        if name == "workspace":
            continue
        if hasattr(kind, "_fields"):
            names |= settings(kind, f"{prefix}{name}.")
        elif items:
            names |= settings(items[0], f"{prefix}{name}[].")
        else:
            names.add(prefix + name)
    return names


def test_every_setting_is_described_and_no_other():
    described = re.findall(r"^\| `([a-z_.\[\]]+)` \|", ARCHITECTURE.partition("## Settings")[2].partition("## Adding")[0], re.MULTILINE)
    assert sorted(described) == sorted(settings(Config))


def test_described_defaults_are_the_defaults(tmp_path):
    (tmp_path / "koma.yaml").touch()
    config = load(tmp_path, {})
    table = re.findall(r"^\| `([a-z_.]+)` \| (\S+) \|", ARCHITECTURE.partition("## Settings")[2], re.MULTILINE)
    assert len(table) > 20
    for name, default in table:
        value = config
        for part in name.split("."):
            value = getattr(value, part)
        assert shown(value, tmp_path) == default.strip("`"), name


def shown(value: object, workspace: Path) -> str:
    match value:
        case Path():
            return str(value.relative_to(workspace))
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case tuple():
            return f"[{', '.join(value)}]"
        case None:
            return "null"
        case _:
            return str(value)


def test_every_metric_is_described_with_its_type_and_no_other(tmp_path):
    exposed = Metrics("1", tmp_path).exposition()[1].decode()
    described = re.findall(r"^\| `(koma_\w+)` \| (\w+) \|", MONITORING, re.MULTILINE)
    assert sorted(described) == sorted(re.findall(r"^# TYPE (\S+) (\S+)$", exposed, re.MULTILINE))
