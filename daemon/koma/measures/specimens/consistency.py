"""The consistency table: how well each identity metric tells the drawn cast apart, and whether it stays with a character.

Every picture of the cast is compared with the character's own references and palette, with those of the same character at the other age,
and with those of the other characters at the same age; the references wear the daily outfit. A metric that needs weights is measured where
they are, and says so where they are not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image

from koma.core.against import Against, Picture, Subject
from koma.core.calibration import Labelled, auc
from koma.core.keys import text_digest
from koma.core.metrics import METRICS, Direction
from koma.measures.learned.registry import LEARNED, learned_meter, unavailable
from koma.measures.meter import Facts, Frame, Meter, Reading
from koma.measures.registry import METERS
from koma.measures.setting import Setting
from koma.measures.specimens.cast import CAST, OUTFITS, REFERENCES, SCENES, VERSIONS, Character, draw
from koma.pixels.picture import Pixels

if TYPE_CHECKING:
    from koma.measures.learned.store import Models

IDENTITY: tuple[str, ...] = tuple(metric for metric, spec in METRICS.items() if spec.reads == "characters")
CONTROL = "style-similarity"  # everybody here is drawn in one style, so a good measure of style tells nobody apart by more than colours
COMMAND = "koma measure --consistency"

GROUPS: Mapping[str, str] = {
    "same": "same character, same outfit",
    "outfit": "same character, other outfit",
    "version": "same character, other age",
    "other": "other character",
}
_DRAWS = 500  # of the bootstrap
_TAIL = 0.025  # left out at either end of a 95 % interval
_READING = (
    "A cell is the mean over comparisons. The last column is the area under the ROC curve for telling a character, in either outfit, from"
    " the others: 0.5 is blind, 1 never errs. In brackets: 95 % interval (bootstrap over pictures) and number of comparisons. What is"
    " unmeasured has no value and counts in no mean."
)
_OF_THE_CONTROL = "The control looks at style alone. All are drawn in one style, so what it tells apart it tells by colours."


@dataclass(frozen=True, slots=True)
class Summary:
    """A mean (or an area under the curve) with the bounds of its 95 % bootstrap interval, of `count` values; so many were unmeasured."""

    value: float
    low: float
    high: float
    count: int
    unmeasured: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One metric. `groups` by the names in GROUPS, None for one in which nothing was measured.

    `apart` is the chance that a picture of the character (in either outfit) scores better than one of somebody else: 0.5 is blind, 1 never
    errs. Where nothing was measured `why` says so, and `command` measures it.
    """

    metric: str
    unit: str
    direction: str
    groups: Mapping[str, Summary | None]
    apart: Summary | None
    control: bool = False
    why: str = ""
    command: str = ""


class _Score(NamedTuple):
    picture: int
    group: str
    value: float | None
    why: str


def table(
    metrics: Sequence[str] = (*IDENTITY, CONTROL), models: "Models | None" = None, device: str = "cpu", *, seed: int = 1
) -> tuple[Row, ...]:
    """Measure the cast: one row for each metric that reads characters or a style, in their order.

    The same pictures and seed give the same table. Raises KeyError for a metric that is not known, ValueError for one that compares with
    nothing.
    """
    for metric in metrics:
        if not METRICS[metric].reads:
            raise ValueError(f"{metric} compares with nobody; expected one of {', '.join(sorted((*IDENTITY, CONTROL)))}")
    with TemporaryDirectory(prefix="koma-cast-") as folder:
        subjects = {(who.id, version): _subject(who, version, Path(folder)) for who in CAST for version in VERSIONS}

        def setting(subject: Subject) -> Setting:
            against = Against((subject,), subject.references)
            return Setting(against, lambda picture: Path(folder) / f"{picture.file_digest}.png", models, device)

        settings = {who: setting(subject) for who, subject in subjects.items()}
        return tuple(_row(metric, settings, seed) for metric in metrics)


def _subject(who: Character, version: str, folder: Path) -> Subject:
    pictures = []
    for scene in REFERENCES:
        digest = text_digest("cast", who.id, version, scene.id)
        Image.fromarray(draw(who, version, OUTFITS[0], scene)).save(folder / f"{digest}.png")
        pictures.append(Picture(digest, digest, ".png"))
    return Subject(who.id, version, who.palette(OUTFITS[0]), tuple(pictures))


def _row(metric: str, settings: Mapping[tuple[str, str], Setting], seed: int) -> Row:
    spec = METRICS[metric]
    missing = unavailable(metric, next(iter(settings.values()))) if metric in LEARNED else ""
    scores = [] if missing else list(_scores(metric, settings))
    groups = {group: _summary([score for score in scores if score.group == group], seed) for group in GROUPS}
    why = missing or ("" if any(groups.values()) else next((score.why for score in scores if score.why), ""))
    command = f"{COMMAND} --metric {metric}" if why else ""
    return Row(metric, spec.unit, str(spec.direction), groups, _apart(scores, spec.direction, seed), metric == CONTROL, why, command)


def _scores(metric: str, settings: Mapping[tuple[str, str], Setting]) -> Iterator[_Score]:
    shown = [(who.id, version, outfit, scene) for who in CAST for version in VERSIONS for outfit in OUTFITS for scene in SCENES]
    people = {who.id: who for who in CAST}
    for number, (who, version, outfit, scene) in enumerate(shown):
        pixels = draw(people[who], version, outfit, scene)
        for (other, age), setting in settings.items():
            group = _group(who == other, version == age, outfit == OUTFITS[0])
            if group:
                reading = _measured(metric, setting, pixels)
                yield _Score(number, group, reading.value, reading.why)


def _group(same: bool, same_age: bool, daily: bool) -> str:
    if not same:
        return "other" if same_age else ""
    if not same_age:
        return "version"
    return "same" if daily else "outfit"


def _measured(metric: str, setting: Setting, pixels: Pixels) -> Reading:
    meter: Meter = METERS[metric](setting) if metric in METERS else learned_meter(metric, setting)
    meter.add(Frame(pixels))
    found = meter.finish(Facts(pixels.shape[1], pixels.shape[0], 1, 0.0))
    return found if isinstance(found, Reading) else next(iter(found.values()))


def _summary(scores: Sequence[_Score], seed: int) -> Summary | None:
    """Return the mean over all values that were measured."""
    values = [score.value for score in scores if score.value is not None]
    if not values:
        return None
    means = [fmean(drawn) for drawn in (_measured_of(some) for some in _drawn(scores, seed)) if drawn]
    return Summary(fmean(values), *_ends(means), len(values), len(scores) - len(values))


def _apart(scores: Sequence[_Score], direction: Direction, seed: int) -> Summary | None:
    """Return how often a picture of the character, in either outfit, scores better than one of somebody else."""
    compared = [score for score in scores if score.group != "version"]
    area = _area(compared, direction)
    if area is None:
        return None
    areas = [found for found in (_area(some, direction) for some in _drawn(compared, seed)) if found is not None]
    count = len(_measured_of(compared))
    return Summary(area, *_ends(areas), count, len(compared) - count)


def _area(scores: Sequence[_Score], direction: Direction) -> float | None:
    sign = -1.0 if direction is Direction.LOWER else 1.0
    own, others = (
        sorted(sign * value for value in _measured_of([s for s in scores if (s.group == "other") is other])) for other in (False, True)
    )
    return auc(Labelled(own, others)) if own and others else None


def _measured_of(scores: Sequence[_Score]) -> list[float]:
    return [score.value for score in scores if score.value is not None]


def _drawn(scores: Sequence[_Score], seed: int) -> Iterator[list[_Score]]:
    """Draw pictures with putting back, each with all its scores: these have the picture in common, so they are no chances of their own."""
    pictures: dict[int, list[_Score]] = {}
    for score in scores:
        pictures.setdefault(score.picture, []).append(score)
    lots, held = Random(seed), list(pictures.values())  # noqa: S311  chance that must be the same each time, nothing secret
    for _ in range(_DRAWS):
        yield [score for one in lots.choices(held, k=len(held)) for score in one]


def _ends(found: Sequence[float]) -> tuple[float, float]:
    ranked = sorted(found)
    low, high = (ranked[round(share * (len(ranked) - 1))] for share in (_TAIL, 1 - _TAIL))
    return low, high


def to_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the table as JSON values."""
    return [asdict(row) for row in rows]


def markdown(rows: Sequence[Row]) -> str:
    """Return the table for people, with its notes below."""
    head = ["metric", "better is", *GROUPS.values(), "told apart (AUC)"]
    lines = [head, ["---"] * len(head), *(_line(row) for row in rows)]
    return "\n".join([*("| " + " | ".join(cells) + " |" for cells in lines), "", *_notes(rows), ""])


def _line(row: Row) -> list[str]:
    name = f"{row.metric} (control)" if row.control else row.metric
    if row.command:
        return [name, row.direction, *["not yet measured"] * len(GROUPS), "not yet measured"]
    return [name, row.direction, *(_cell(row.groups[group]) for group in GROUPS), _cell(row.apart)]


def _cell(found: Summary | None) -> str:
    if found is None:
        return "unmeasured"
    missing = f", {found.unmeasured} unmeasured" if found.unmeasured else ""
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f}; n={found.count}{missing})"


def _notes(rows: Sequence[Row]) -> list[str]:
    pictures = len(CAST) * len(VERSIONS) * len(OUTFITS) * len(SCENES)
    notes = [f"{pictures} drawn pictures of {len(CAST)} characters. {_READING}"]
    if any(row.control for row in rows):
        notes += ["", _OF_THE_CONTROL]
    waiting = [f"- {row.metric}: {row.why}. Once that is there: `{row.command}`" for row in rows if row.command]
    return [*notes, "", "Not yet measured:", "", *waiting] if waiting else notes
