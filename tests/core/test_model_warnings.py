"""Gates that ask for models nobody added say so before the night, at the field that asks."""

import pytest

from koma.core.model_needs import lacking, lacking_problem, needs
from koma.core.models import KNOWN, LockedModel
from koma.core.problem import Place, Severity


def locked(*names):
    return {name: LockedModel(name, KNOWN[name].file, "a" * 64, 1, "MIT", commercial=True, added="2026-07-04") for name in names}


EVERYTHING = [name for name, spec in KNOWN.items() if not spec.package]
CCIP = ("ccip-features", "ccip-metric")


@pytest.mark.parametrize(
    ("gates", "there", "expected"),
    [
        pytest.param({}, (), {}, id="basic asks for none"),
        pytest.param({"profile": "standard"}, EVERYTHING, {}, id="everything is there"),
        pytest.param({"identity": "ccip"}, (), {"gates.identity": ["ccip-difference"]}, id="the choice of identity asks for one"),
        pytest.param({"identity": "ccip"}, CCIP, {}, id="and is content with it"),
        pytest.param({"rules": {"all": {"aesthetic": {"min": 5, "required": False}}}}, (), {}, id="what is only shown is not missed"),
        pytest.param(
            {"profile": "standard"},
            CCIP,
            {"gates.profile": ["aesthetic", "lpips-temporal"]},
            id="a profile names all that it can not measure",
        ),
    ],
)
def test_what_is_said_to_be_lacking(gates, there, expected):
    found = lacking(needs(gates, "drawn"), locked(*there))
    assert {field: sorted(metrics) for (field, _), (metrics, _) in found.items()} == expected


def test_it_is_a_warning_that_names_models_and_what_to_do():
    found = lacking_problem(["aesthetic"], ["clip-vit-l-14", "aesthetic-head"], Place("projects/p/project.yaml", 9, 3), "gates.profile")
    assert found.severity is Severity.WARNING
    assert found.message == "aesthetic can't be measured: no model was added as clip-vit-l-14, aesthetic-head; takes will wait for a person"
    assert found.hint.startswith("koma models")
