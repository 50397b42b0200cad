"""Findings about the learned metrics: the packages that run them, and their models."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec

from koma.app.workspace import App
from koma.cli.machine import Finding, fail, ok, warn
from koma.cli.modelling import MISSING, Row, asked_in, model_rows
from koma.cli.printing import count
from koma.measures.learned.registry import MODULES
from koma.measures.learned.runtime import installed, runtime_fault


def packages(app: App) -> Iterator[Finding]:
    """Look for what runs the metrics that projects here ask for, and for two ONNX runtimes in one place."""
    fault = runtime_fault()
    if fault is not None:
        yield fail("extras", fault.why, fault.hint)
        return
    lacking = {asked.need.metric: [module for module in MODULES[asked.need.metric] if find_spec(module) is None] for asked in asked_in(app)}
    absent = sorted({module for modules in lacking.values() for module in modules})
    runtimes = ", ".join(f"{name} {version}" for name, version in installed().items())
    if absent:
        message = f"not installed: {', '.join(absent)}; unmeasured without: {', '.join(sorted(filter(lacking.get, lacking)))}"
        yield warn("extras", message, "make quality-cpu   (with an NVIDIA GPU: make quality-gpu)")
    else:
        yield ok("extras", runtimes or "none installed; no project here needs one")


def models(app: App) -> Iterator[Finding]:
    """Look at models.json, and at the models that projects here need."""
    for problem in app.models.problems:
        yield fail("models", f"{problem.place}: {problem.message}", problem.hint)
    rows = model_rows(app)
    bad = [row for row in rows if row.wrong]
    missing = [row for row in rows if row.state.word == MISSING and row.required]
    if bad:
        yield from (fail("models", row.state.message, row.state.fix) for row in bad)
    elif missing:
        yield warn("models", f"{_names(missing)} missing: what needs them is unmeasured", "koma models   (says where to get them)")
    elif not app.models.problems:
        yield ok("models", f"{count(len(rows), 'model')} there" if rows else "no project here needs one")


def _names(rows: Sequence[Row]) -> str:
    return ", ".join(row.spec.name for row in rows)
