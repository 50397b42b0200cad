"""`koma measure FILE...`: the metrics of the gates, for any picture or clip."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from koma.core.gate import Measurement


def command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Pictures and clips.")],
    metrics: Annotated[list[str] | None, typer.Option("--metric", metavar="ID", help="These metrics only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Facts for programs.")] = False,
) -> int:
    """Measure files with every metric that Koma has. Exit 1 if one does not decode."""
    from koma.cli.printing import print_json, print_lines, table

    wanted = _known(metrics or [])
    found = [(file, _measured(file, wanted)) for file in files]
    if as_json:
        print_json({"files": [{"file": str(file), "measurements": [_json(m) for m in measured]} for file, measured in found]})
    else:
        shown = [(file, m) for file, measured in found for m in (measured if _decodes(measured) else measured[:1])]
        rows = [[file.name, m.metric, "" if m.value is None else f"{m.value:.6g}", m.unit, m.why] for file, m in shown]
        print_lines(table(rows, ["file", "metric", "value", "unit", ""]))
    return int(not all(_decodes(measured) for _, measured in found))


def _decodes(measured: "tuple[Measurement, ...]") -> bool:
    return measured[0].value == 1  # `decodes` always stands first


def _known(metrics: list[str]) -> list[str]:
    from koma.core.errors import UsageError
    from koma.core.hints import did_you_mean
    from koma.core.metrics import METRICS

    for metric in metrics:
        if metric not in METRICS:
            raise UsageError(f"there is no metric {metric!r}", did_you_mean(metric, METRICS) or f"one of {', '.join(METRICS)}")
    return ["decodes", *(metric for metric in metrics or METRICS if metric != "decodes")]


def _measured(file: Path, metrics: list[str]) -> "tuple[Measurement, ...]":
    from koma.core.errors import UsageError
    from koma.core.media import Media
    from koma.measures.measure import FileMeasure
    from koma.pixels.whole import PICTURES, container_of

    try:
        media = Media.IMAGE if container_of(file) in PICTURES else Media.VIDEO
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}", "koma measure FILE...") from error
    return FileMeasure().measure(file, media, metrics, {})


def _json(measurement: "Measurement") -> dict[str, object]:
    return {
        "metric": measurement.metric,
        "value": measurement.value,
        "unit": measurement.unit,
        "version": measurement.version,
        "why": measurement.why,
        "details": measurement.details,
    }
