"""Writes the tables of docs/quality.md: what the code says, and what is measured on clips drawn for that.

    .venv/bin/python docs/make_quality.py            every table, in a few minutes
    .venv/bin/python docs/make_quality.py --quick    only those that need no measuring

Each stands between `<!-- NAME -->` and `<!-- /NAME -->`. A test compares: all that the code says, and a part of what is measured.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from koma.core.against import Against, Look, Picture, Subject
from koma.core.metrics import METRICS
from koma.core.metrics.spec import MetricSpec
from koma.core.models import KNOWN
from koma.core.overall import TERMS
from koma.core.profiles import Asked, profile_rules
from koma.core.words import BackendKind, Phase
from koma.measures.specimens import consistency
from koma.measures.specimens.clips import SPECIMENS
from koma.measures.specimens.table import PREDECESSOR, discrimination, judged, markdown

PAGE = Path(__file__).resolve().parent / "quality.md"
_PROFILES = ("basic", "standard")
_SOMEBODY = Subject("aki", palette={"hair": "#2d55c8"}, references=(Picture("0", "0", ".png"),))
_PLACES: Mapping[str, tuple[Phase, str]] = {
    "still": (Phase.STILL, ""),
    "sheet": (Phase.STILL, "front"),
    "loop": (Phase.LOOP, ""),
    "video": (Phase.VIDEO, ""),
}


def metrics_table() -> str:
    """Give every metric with its definition."""
    rows = [[f"`{spec.id}`", spec.unit, spec.direction, spec.stage, _definition(spec), spec.reference] for spec in METRICS.values()]
    return table(("metric", "unit", "better is", "stage", "definition", "from"), rows)


def _definition(spec: MetricSpec) -> str:
    needs = f" *Needs {', '.join(f'`{name}`' for name in spec.weights)}.*" if spec.weights else ""
    return spec.definition + needs


def rules_table() -> str:
    """Give every rule of the profiles in a project of drawn pictures: where it counts, and whether it decides."""
    return _rules(_cells("drawn"))


def photographic_table() -> str:
    """Give the rules that are others in a project of photographic pictures."""
    drawn = _cells("drawn")
    return _rules({key: cells for key, cells in _cells("photographic").items() if drawn.get(key) != cells})


Cells = dict[tuple[str, str], dict[str, str]]  # by metric and demand, then by profile


def _rules(cells: Cells) -> str:
    rank = list(METRICS)
    rows = [
        [f"`{metric}`", demand, *(where.get(profile, "") for profile in _PROFILES)]
        for (metric, demand), where in sorted(cells.items(), key=lambda item: rank.index(item[0][0]))
    ]
    return table(("metric", "rule", *(f"`{profile}`" for profile in _PROFILES)), rows)


def _cells(look: Look) -> Cells:
    """Say where each rule counts, in words; the file contract is left out."""
    against = Against((_SOMEBODY,), (Picture("1", "1", ".png"),), look)
    found: dict[tuple[str, str], dict[str, dict[str, list[str]]]] = {}
    for profile in _PROFILES:
        for where, (phase, pose) in _PLACES.items():
            for rule in profile_rules(profile, Asked(phase, BackendKind.COMFYUI, {"motion": True}, against=against, pose=pose)):
                if rule.basis:
                    word = "required" if rule.required else "shown"
                    found.setdefault((rule.metric, f"{rule.op} {rule.threshold:g}"), {}).setdefault(profile, {}).setdefault(
                        word, []
                    ).append(where)
    return {key: {profile: _in_words(words) for profile, words in cells.items()} for key, cells in found.items()}


def _in_words(words: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{word}: {'everything' if len(places) == len(_PLACES) else ', '.join(places)}" for word, places in words.items())


def models_table() -> str:
    """Give every model that learned metrics need."""
    rows = [
        [
            f"`{spec.name}`",
            spec.role,
            spec.source + (f" ({spec.note})" if spec.note else ""),
            spec.licence,
            "allowed" if spec.commercial else "**forbidden**",
        ]
        for spec in KNOWN.values()
    ]
    return table(("model", "what it does", "which file", "licence", "commercial use"), rows)


def terms() -> str:
    """Name what `overall` is made of."""
    return ", ".join(f"`{metric}`" for metric in TERMS)


def clips_table() -> str:
    """Say what each clip shows, and which metric is there for its fault."""
    rows = [[name, specimen.words, f"`{specimen.caught_by}`" if specimen.caught_by else ""] for name, specimen in SPECIMENS.items()]
    return table(("clip", "shows", "to be caught by"), rows)


def consistency_table() -> str:
    """Measure how well identity metrics tell drawn characters apart."""
    return consistency.markdown(consistency.table())


def specimens_table() -> str:
    """Measure which fault is seen by what, and what the predecessor's threshold makes of the same clips."""
    rows = discrimination()
    return f"{markdown(rows)}\n{_EXPLAINED}\n\n{markdown(judged(rows, PREDECESSOR))}"


_EXPLAINED = (
    "Bold is what did not pass; of those in *caught by*, bold is the metric that is named for the fault. In brackets: shown, not required."
    " And this is what 0.85 makes of the same clips, in three definitions that all are called coherence or smoothness:"
)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


SAID: Mapping[str, Callable[[], str]] = {
    "metrics": metrics_table,
    "rules": rules_table,
    "photographic": photographic_table,
    "models": models_table,
    "terms": terms,
    "clips": clips_table,
}
MEASURED: Mapping[str, Callable[[], str]] = {"consistency": consistency_table, "specimens": specimens_table}


def part(page: str, name: str) -> str:
    """Return what stands in a part of the page. Raises ValueError if the page has no such part."""
    _, begun, rest = page.partition(f"<!-- {name} -->\n")
    text, ended, _ = rest.partition(f"\n<!-- /{name} -->")
    if not begun or not ended:
        raise ValueError(f"{PAGE.name} has no part {name!r}")
    return text


def filled(page: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """Return the page with those parts made anew."""
    for name, make in parts.items():
        begin, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        page = page.replace(f"{begin}{part(page, name)}{end}", f"{begin}{make().strip()}{end}")
    return page


def main() -> int:
    """Write the page."""
    parts = SAID if "--quick" in sys.argv else {**SAID, **MEASURED}
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), parts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
