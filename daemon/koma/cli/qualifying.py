"""The work behind `koma qualify`: samples of templates, the server, what is kept, and the table beside the reference card."""

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from koma.app.known import MAX_BYTES
from koma.app.workspace import App
from koma.cli.checking import open_work_tree
from koma.cli.printing import print_json, print_lines, say, table
from koma.core.draft import LoadedTemplate
from koma.core.errors import KomaError, UsageError
from koma.core.hints import did_you_mean
from koma.core.jsontext import read_json
from koma.core.manifest import parse_sample
from koma.core.node_rules import Signatures
from koma.core.parameter import ParameterType
from koma.core.preflight import GB, ServerMemory
from koma.core.problem import Problem
from koma.core.qualified import REFERENCE_CARD, budget_seconds, with_run
from koma.core.request import BackendStatus
from koma.core.words import BackendKind, Rendition
from koma.engine.checking import SAMPLE, load_all, samples_of
from koma.engine.graphs import Graphs
from koma.engine.qualifying import Outcome, Qualifier, Run
from koma.ports import Backend
from koma.publish.durable import write_text
from koma.templating.signatures import load_recorded

ALL_RAN, FAILED, LACKING = 0, 1, 3
SIZE = (768, 432)  # px of specimens where a sample names no size
_CHECKPOINTS = ("CheckpointLoaderSimple", "ckpt_name")


class Wish(NamedTuple):
    """What a person asked for: which templates (all if empty), whose parameter sets, and a checkpoint, "" for that of the samples."""

    templates: tuple[str, ...]
    rendition: Rendition
    checkpoint: str


class Trial(NamedTuple):
    """One template with the values of its sample, or with why there are none."""

    template: LoadedTemplate
    values: Mapping[str, Any]
    why: tuple[str, ...] = ()


def run(workspace: Path | None, wish: Wish, *, as_json: bool) -> int:
    """Try out, keep, print; the exit code."""
    if wish.rendition is Rendition.ANIMATIC:
        raise UsageError("the animatic is drawn without templates", "koma qualify --rendition draft, or final")
    with open_work_tree(workspace) as app:
        trials, broken = _trials(app, wish)
        backend = app.backends(wish.rendition)[BackendKind.COMFYUI]
        status, runs = asyncio.run(_tried(app, backend, trials, wish))
        _keep(app, runs, trials, wish.rendition, status)
    print_json(_facts(trials, runs, wish.rendition, status)) if as_json else print_lines(_lines(trials, runs, broken, wish.rendition))
    return _exit_code(runs, broken)


def _exit_code(runs: Sequence[Run], broken: Sequence[Problem]) -> int:
    outcomes = {run.outcome for run in runs}
    if broken or Outcome.FAILED in outcomes:
        return FAILED
    return LACKING if Outcome.MISSING in outcomes else ALL_RAN


def _trials(app: App, wish: Wish) -> tuple[list[Trial], list[Problem]]:
    """Templates that are wanted, with their samples; and the Problems of those that can't be read."""
    snapshot = app.source.snapshot()
    loaded, problems = load_all(app.templates, snapshot)
    known = sorted({template.name for template in loaded})
    for name in wish.templates:
        if name not in known:
            hint = did_you_mean(name, known) or (f"one of {', '.join(known)}" if known else "koma template add still")
            raise UsageError(f"this workspace has no template called {name!r} that can be used", hint)
    wanted = [template for template in loaded if not wish.templates or template.name in wish.templates]
    trials = [_trial(template, samples_of(template, snapshot, app.source).get(SAMPLE)) for template in wanted]
    return trials, [] if wish.templates else problems


def _trial(template: LoadedTemplate, sample: bytes | None) -> Trial:
    if sample is None:
        return Trial(template, {}, (f"it has no {SAMPLE}",))
    values = parse_sample(sample, f"{template.file.rpartition('/')[0]}/{SAMPLE}")
    return Trial(template, values) if isinstance(values, Mapping) else Trial(template, {}, tuple(map(str, values)))


async def _tried(app: App, backend: Backend, trials: Sequence[Trial], wish: Wish) -> tuple[BackendStatus, list[Run]]:
    await backend.open()
    try:
        status, live = await backend.probe(), await backend.signatures()
        if not status.up or live is None:
            raise KomaError(f"backend {backend.name} does not answer: {status.message}", "start it, or correct its url in koma.yaml")
        signatures = Signatures(live, live=True, elsewhere=load_recorded())
        memory = ServerMemory(status.vram_total, status.device)
        qualifier = Qualifier(backend, Graphs(lambda: app.renderer, lambda: signatures, lambda: memory), app.clock)
        with tempfile.TemporaryDirectory(prefix="qualify-", dir=app.scratch) as folder:
            return status, [await _one(qualifier, trial, _choose(signatures, wish), wish.rendition, Path(folder)) for trial in trials]
    finally:
        await backend.close()


async def _one(qualifier: Qualifier, trial: Trial, checkpoint: Callable[[str], str], rendition: Rendition, scratch: Path) -> Run:
    name = trial.template.name
    say(f"{name}: rendering its sample ({rendition}), about {trial.template.manifest.estimate_seconds:g} s on the reference card")
    if trial.why:
        return _told(Run(name, Outcome.FAILED, why=trial.why))
    values = _suited(trial, checkpoint)
    return _told(await qualifier.run(trial.template, values, rendition, _specimens(values, scratch / "inputs"), scratch))


def _told(run: Run) -> Run:
    say(f"{run.template}: {_ended(run)}")
    return run


def _ended(run: Run) -> str:
    return f"{run.seconds:.1f} s" if run.outcome is Outcome.RAN else f"{run.outcome}: {'; '.join(run.why)}"


def _choose(signatures: Signatures, wish: Wish) -> Callable[[str], str]:
    """Make the choice of a checkpoint in place of a sample's: the one that was asked for, or the only one that the server has."""
    node, name = _CHECKPOINTS
    there: Sequence[str] = signatures.classes.get(node, {}).get("required", {}).get(name, {}).get("choices") or ()

    def choose(sample: str) -> str:
        return wish.checkpoint or (there[0] if len(there) == 1 and sample not in there else sample)

    return choose


def _suited(trial: Trial, checkpoint: Callable[[str], str]) -> dict[str, Any]:
    """Values of the sample for this server: LoRAs in samples are made up, and checkpoints are the project's choice."""
    values = dict(trial.values)
    values.update({name: [] for name, one in trial.template.manifest.parameters.items() if one.type is ParameterType.LORA_LIST})
    if isinstance(values.get("checkpoint"), str):
        values["checkpoint"] = checkpoint(values["checkpoint"])
    return values


def _specimens(values: Mapping[str, Any], folder: Path) -> Callable[[str, bool], tuple[Path, str]]:
    """Make neutral inputs of the sample's size."""
    from koma.pixels.specimen import specimen_clip, specimen_picture  # start-up time of what only fails

    width, height = int(values.get("width") or SIZE[0]), int(values.get("height") or SIZE[1])

    def make(_name: str, clip: bool) -> tuple[Path, str]:  # the shape that engine.qualifying gives it
        folder.mkdir(parents=True, exist_ok=True)
        drawn = folder / f"{width}x{height}{'.mkv' if clip else '.png'}"
        file = specimen_clip(drawn, width, height) if clip else specimen_picture(drawn, width, height)
        return file, sha256(file.read_bytes()).hexdigest()

    return make


def _keep(app: App, runs: Sequence[Run], trials: Sequence[Trial], rendition: Rendition, status: BackendStatus) -> None:
    """Keep the runs that went through: the plan's estimates read them where there are no past renders."""
    try:
        document = read_json(app.server.qualified_file.read_bytes(), MAX_BYTES)
    except (OSError, ValueError):
        document = {}
    for trial, run in zip(trials, runs, strict=True):
        if run.outcome is Outcome.RAN:
            document = with_run(document, run.template, rendition, _fact(trial, run) | {"at": app.clock.now(), "server": status.versions})
    write_text(app.server.qualified_file, json.dumps(document, indent=1, sort_keys=True))


def _fact(trial: Trial, run: Run) -> dict[str, Any]:
    return {"seconds": run.seconds, "peak_memory_bytes": run.peak_memory_bytes, "template_digest": trial.template.digest}


def _facts(trials: Sequence[Trial], runs: Sequence[Run], rendition: Rendition, status: BackendStatus) -> dict[str, Any]:
    rows = [
        {
            "template": run.template,
            "phase": str(trial.template.manifest.phase or "finish"),
            "outcome": str(run.outcome),
            **_fact(trial, run),
            "budget_seconds": budget_seconds(trial.template.manifest),
            "vram_gb": trial.template.manifest.vram_gb,
            "why": list(run.why),
        }
        for trial, run in zip(trials, runs, strict=True)
    ]
    server = {"versions": dict(status.versions), "vram_total": status.vram_total, "device": status.device}
    return {"rendition": rendition, "reference_card": REFERENCE_CARD, "server": server, "templates": rows}


def _lines(trials: Sequence[Trial], runs: Sequence[Run], broken: Sequence[Problem], rendition: Rendition) -> Iterator[str]:
    rows = [
        (
            run.template,
            run.outcome,
            _seconds(run.seconds if run.outcome is Outcome.RAN else None),
            _seconds(budget_seconds(trial.template.manifest)),
            f"{run.peak_memory_bytes / GB:.1f} GB" if run.peak_memory_bytes else "",
            f"{trial.template.manifest.vram_gb:g} GB",
        )
        for trial, run in zip(trials, runs, strict=True)
    ]
    yield f"rendition {rendition}; budgets are for one run on an {REFERENCE_CARD}, times here hold the loading of models"
    yield from table(rows, ("template", "result", "took", "budget", "memory at most", "memory said"))
    for run in runs:
        yield from (f"{run.template}: {why}" for why in run.why)
    yield from map(str, broken)


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f} s"
