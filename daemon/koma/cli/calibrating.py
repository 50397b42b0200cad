"""The work behind `koma calibrate`: labels and series of one project, told, proposed as a document, drawn, or given as JSON."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from koma.app.workspace import App
from koma.cli.printing import count, print_json, print_lines, say
from koma.core.calibration import Interval
from koma.core.catalog import Folder
from koma.core.errors import KomaError, UsageError
from koma.core.hints import did_you_mean
from koma.core.ids import is_id
from koma.core.labels import TUNABLE, Labels, Series, careful, series_of
from koma.core.metrics import METRICS
from koma.core.profiles import AUDIT
from koma.core.proposal import Terms, counted, document, heading, is_proposed, left_out, percent, threshold_of, told
from koma.core.spec.standard import GATE_PROFILE, LEAST_LABELS
from koma.core.tuning import KIND
from koma.core.words import Phase, Rendition
from koma.engine.calibrating import calibrated, gather

_HALF = 0.5
_BAD = "bad takes that pass, in %"
_PHASES = (Phase.STILL, Phase.LOOP, Phase.VIDEO)


class Wanted(NamedTuple):
    """One command line; `target` is the share of false accepts aimed at."""

    project: str
    metrics: tuple[str, ...]
    phase: str
    target: float
    rendition: str
    write: Path | None
    replace: bool
    plot: Path | None


class Findings(NamedTuple):
    """What was found for one project: labels, a series for each metric, those of the metric that no take is chosen by, and the proposal."""

    project: str
    rendition: str
    labels: Labels
    series: list[Series]
    audit: str
    audited: list[Series]
    own: frozenset[str]
    terms: Terms

    @property
    def proposed(self) -> list[Series]:
        """Series of which a threshold is proposed."""
        return [one for one in self.series if is_proposed(one)]


def run(workspace: Path | None, wanted: Wanted, *, as_json: bool) -> int:
    """Calibrate, print, and write what was asked for. Raises KomaError where nothing can be proposed and no JSON is asked for."""
    _check(wanted)
    with App.open(workspace) as app:
        folder, found = _findings(app, wanted)
        text = document(_free_id(folder, app.config.workspace, wanted.write), list(_about(found)), found.series, found.terms, found.own)
        if wanted.plot is not None:
            _plot(wanted.plot, [one for one in [*found.series, *found.audited] if one.calibration is not None])
        file = _write(app.config.workspace, text, wanted, found) if wanted.write is not None and found.proposed else None
    if as_json:
        print_json({**_facts(found), "proposal": text if found.proposed else None, "written": str(file) if file is not None else None})
        return 0 if found.proposed else 3
    _print(found, text, folder, file)
    return 0


def _check(wanted: Wanted) -> None:
    for metric in wanted.metrics:
        if metric not in METRICS:
            raise UsageError(f"there is no metric {metric!r}", did_you_mean(metric, METRICS) or f"one of {', '.join(TUNABLE)}")
        if metric not in TUNABLE:
            raise UsageError(f"{metric} has no threshold to be found: it is exact, or made of the others", f"one of {', '.join(TUNABLE)}")
    if wanted.phase not in ("", *_PHASES):
        raise UsageError(f"nothing is calibrated in a phase {wanted.phase!r}", did_you_mean(wanted.phase, _PHASES) or ", ".join(_PHASES))
    if wanted.rendition not in ("", *Rendition):
        raise UsageError(f"there is no rendition {wanted.rendition!r}", f"one of {', '.join(Rendition)}")
    if not 0 < wanted.target <= _HALF:
        raise UsageError(f"--target-false-accept is {wanted.target:g}", "a share above 0 and up to 0.5, for instance 0.1")
    if wanted.write is not None and wanted.write.exists() and not wanted.replace:
        raise KomaError(f"{wanted.write} is there already", "name another file, or add --replace")


def _findings(app: App, wanted: Wanted) -> tuple[Folder, Findings]:
    rendition = Rendition(wanted.rendition) if wanted.rendition else app.config.rendition
    survey = app.surveyor.survey(rendition)
    name = _project(wanted.project, survey.wanted.projects)
    folder = survey.wanted.projects[name]
    data = app.desires.documents.doc(folder.project).data if folder.project is not None else {}
    gates = data.get("gates") or {}
    audit = gates.get("audit") or AUDIT[gates.get("profile") or GATE_PROFILE]
    labels = gather(app.store, app.desires.reviewed(survey.wanted), name, rendition, wanted.phase)
    series = [calibrated(one, wanted.target) for one in series_of(labels.labels, (*wanted.metrics, audit) if wanted.metrics else TUNABLE)]
    own = frozenset(metric for rules in (gates.get("rules") or {}).values() for metric in rules)
    terms = Terms(wanted.target, time.strftime("%Y-%m-%d", time.gmtime(app.clock.now())))
    kept, audited = _parted(series, audit)
    return folder, Findings(name, rendition, labels, kept, audit, audited, own, terms)


def _parted(series: Sequence[Series], audit: str) -> tuple[list[Series], list[Series]]:
    return [one for one in series if one.metric != audit], [one for one in series if one.metric == audit]


def _project(name: str, projects: Mapping[str, Folder]) -> str:
    if name in projects:
        return name
    if name:
        raise UsageError(f"there is no project {name!r}", did_you_mean(name, projects) or f"one of {', '.join(projects)}")
    if len(projects) != 1:
        raise UsageError(
            f"there are {len(projects)} projects", "koma calibrate PROJECT" + (f"   ({', '.join(projects)})" if projects else "")
        )
    return next(iter(projects))


def _about(found: Findings) -> Iterator[str]:
    """Everything that is not about one threshold, in lines: how many takes, how they were chosen, what was left out, what has too few."""
    labels = found.labels
    yield f"{found.project}, {found.rendition}, {found.terms.date}: at most {percent(found.terms.target)} of the bad takes are to pass"
    yield from _base_rates(labels)
    if labels.left_out:
        yield f"of the decisions left out: {left_out(labels.left_out)}"
    yield from (f"careful: {sentence}" for sentence in careful(labels))
    yield from _audit(found)
    rest = [one for one in found.series if not is_proposed(one)]
    yield from (line for one in rest if one.calibration is not None for line in told(one))
    short = [one for one in rest if one.calibration is None]
    if short:
        yield "too few labels for a threshold:"
        yield from (f"  {line.strip()}" for one in short for line in told(one))


def _base_rates(labels: Labels) -> Iterator[str]:
    total, targets = len(labels.labels), len({label.target for label in labels.labels})
    yield f"{total} of {labels.takes} takes were decided on, of {targets} targets"
    for word, good in (("good (approved)", True), ("bad (rejected, or to be taken again)", False)):
        passed, stopped = (labels.number(good=good, passed=passed) for passed in (True, False))
        share = f", {percent((passed + stopped) / total)}" if total else ""
        yield f"  {word}: {passed + stopped}{share}; {passed} had passed their gate, {stopped} had not"


def _audit(found: Findings) -> Iterator[str]:
    """Lines about the metric that no take was chosen by."""
    if not found.audit:
        return
    yield f"audit: no take was chosen by {found.audit}, so it says honestly how well what people approve can be told; it gets no threshold"
    for one in found.audited:
        area = one.calibration.auc if one.calibration is not None else None
        said = f"AUC {area.value:.2f} ({area.low:.2f} to {area.high:.2f})" if area is not None else "too few labels"
        yield f"  {heading(one)}: {counted(one)}; {said}"


def _free_id(folder: Folder, workspace: Path, file: Path | None) -> str:
    """Find an id for the document: the name of its file, or `tuning`, with a number where another document has that."""
    here = file.resolve() if file is not None else None
    taken = {name for name, head in folder.heads.get(KIND, {}).items() if workspace / head.path != here}
    taken |= {name for kind, name in folder.held if kind == KIND}
    wish = file.stem if file is not None and is_id(file.stem) else KIND
    return next(name for number in range(1, len(taken) + 3) if (name := wish if number == 1 else f"{wish}-{number}") not in taken)


def _write(workspace: Path, text: str, wanted: Wanted, found: Findings) -> Path:
    from koma.publish.durable import write_text

    assert wanted.write is not None  # noqa: S101  # asked by the caller
    file = wanted.write.resolve()
    schema = workspace / "specs" / "tuning.schema.json"
    head = f"# yaml-language-server: $schema={os.path.relpath(schema, file.parent)}\n" if schema.is_file() else ""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, head + text)
    except OSError as error:
        raise KomaError(f"{wanted.write} can't be written: {error.strerror}", f"koma calibrate {found.project} --write FILE") from error
    return file


def _print(found: Findings, text: str, folder: Folder, file: Path | None) -> None:
    if not found.proposed:
        print_lines(_about(found))
        hint = "koma review approve TARGET, koma review reject TARGET   (also of takes that passed)"
        raise KomaError(f"no threshold can be proposed: {_lack(found)}", hint, exit_code=3)
    if file is None:
        print_lines([text.rstrip("\n")])
        say(f"this is a proposal, and nothing counts yet. To keep it: koma calibrate {found.project} --write {folder.path}/{KIND}.yaml")
        return
    print_lines([*_about(found), *(line for one in found.proposed for line in told(one))])
    written = count(len(found.proposed), "threshold")
    say(f"wrote {file}: {written}. In a project's folder a document counts from the next pass on; nothing renders again.")


def _lack(found: Findings) -> str:
    if any(one.calibration is not None for one in found.series):
        return "no metric that was measured tells good takes from bad ones"
    return f"{LEAST_LABELS} good and {LEAST_LABELS} bad takes with measurements are needed"


def _plot(file: Path, series: Sequence[Series]) -> None:
    """Draw every ROC: the share of the good takes that pass, over that of the bad ones in per cent. Raises KomaError."""
    from koma.core.calibration import at_false_accepts
    from koma.pixels.plot import Curve, overview, save

    drawn = [(one, one.calibration) for one in series if one.calibration is not None]
    curves = [
        Curve(f"{heading(one)}: good takes that pass", "share", [at_false_accepts(found.roc, x / 100) for x in range(101)], across=_BAD)
        for one, found in drawn
    ]
    if not curves:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        save(overview(curves), file)
    except OSError as error:
        raise KomaError(f"{file} can't be written: {error.strerror or error}", "name another file with --plot") from error


def _facts(found: Findings) -> dict[str, Any]:
    labels = found.labels
    rates = {
        name: {"passed": labels.number(good=good, passed=True), "not_passed": labels.number(good=good, passed=False)}
        for name, good in (("good", True), ("bad", False))
    }
    return {
        "project": found.project,
        "rendition": found.rendition,
        "date": found.terms.date,
        "target_false_accept": found.terms.target,
        "takes": labels.takes,
        "labels": {"decided": len(labels.labels), **rates},
        "left_out": dict(labels.left_out),
        "careful": careful(labels),
        "audit": {"metric": found.audit, "series": [_series(one, found.terms) for one in found.audited]} if found.audit else None,
        "series": [_series(one, found.terms) for one in found.series],
    }


def _series(one: Series, terms: Terms) -> dict[str, Any]:
    good, bad = (len(values) for values in one.values)
    about = {"metric": one.metric, "phase": one.phase, "character": one.character, "good": good, "bad": bad}
    now = {str(op): threshold for op, threshold in one.now.items()}
    missing = {"missing_good": max(0, LEAST_LABELS - good), "missing_bad": max(0, LEAST_LABELS - bad)}
    head = {**about, **missing, "left_out": dict(one.left_out), "now": now, "proposed": is_proposed(one)}
    found = one.calibration
    if found is None:
        return {**head, "auc": None, "threshold": None, "entry": None}
    shares = ("false_accept", "false_reject", "held_out_accept", "held_out_reject")
    return {
        **head,
        "auc": found.auc._asdict(),
        "threshold": found.threshold._asdict() if found.threshold is not None else None,
        **{name: _interval(getattr(found, name)) for name in shares},
        "roc": [point._asdict() for point in found.roc],
        "entry": threshold_of(one, terms) if is_proposed(one) else None,
    }


def _interval(found: Interval) -> dict[str, float]:
    return {name: round(value, 4) for name, value in found._asdict().items()}
