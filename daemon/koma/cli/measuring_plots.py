"""The pictures of `koma measure --plots`: one for each metric that has a value for every frame, and all of a file below each other."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from koma.cli.measuring_shown import demand
from koma.cli.printing import count
from koma.core.errors import KomaError
from koma.core.gate import Measurement
from koma.pixels.plot import Curve, overview, plot, save

if TYPE_CHECKING:
    from koma.cli.measuring import Measured


def draw(folder: Path, found: Sequence["Measured"]) -> str:
    """Write the plots of all files into a folder; what was written, in words. Raises KomaError if the folder can't be written."""
    drawn = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, one in zip(_names(found), found, strict=True):
            curves = dict(_curves(one))
            for suffix, curve in curves.items():
                save(plot(curve), folder / f"{name}.{suffix}.png")
            if curves:
                save(overview(list(curves.values())), folder / f"{name}.overview.png")
            drawn += len(curves) + bool(curves)
    except OSError as error:
        raise KomaError(f"{error.filename or folder}: {error.strerror or error}", "name another folder with --plots") from error
    return f"{count(drawn, 'plot')} in {folder}" if drawn else "no plots: nothing here has a value for every frame"


def _names(found: Sequence["Measured"]) -> list[str]:
    """Name of each file, with a number where two have the same."""
    names = [one.file.name for one in found]
    return [name if names.count(name) == 1 else f"{number + 1}.{name}" for number, name in enumerate(names)]


def _curves(one: "Measured") -> Iterator[tuple[str, Curve]]:
    for found in one.measurements:
        values = found.details.get("per_frame") or ()
        if len(values) > 1:
            yield ".".join(filter(None, (found.metric, found.subject))), _curve(one, found, values)


def _curve(one: "Measured", found: Measurement, values: Sequence[float | None]) -> Curve:
    """Values that are fewer than frames belong to steps, and lie at the later frame of each, unless `sampled` says where they are."""
    details = found.details
    title = f"{found.metric} of {found.subject}" if found.subject else found.metric
    sampled = details.get("sampled") or ()
    curve = Curve(
        title,
        details.get("unit", found.unit),
        values,
        max(0, one.frames - len(values)),
        [int(frame) for frame in details.get("frames") or ()],
        places=sampled if len(sampled) == len(values) else (),
    )
    return replace(curve, **_line(one, found))


def _line(one: "Measured", found: Measurement) -> dict[str, Any]:
    """Find what the values are held against: their own limit, or the threshold of the metric where they are in its unit."""
    if "unit" in found.details:
        limit = found.details.get("limit")
        return {} if limit is None else {"threshold": limit, "demand": f"limit of one value: {limit:.6g}"}
    rule = next((c.rule for c in one.gate.checks if (c.rule.metric, c.rule.subject) == (found.metric, found.subject)), None)
    return {} if rule is None else {"threshold": rule.threshold, "demand": demand(rule)}
