"""Metric `style-similarity`: a picture is drawn like the references of the style, whoever is in it.

Four marks of how it is drawn and the colours are compared with what the references span. Content moves all five a little: what counts
is a picture that leaves the references' range in most of them.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import exp, log
from pathlib import Path
from typing import NamedTuple

import numpy as np

from koma.core.identity import Marks
from koma.core.metrics import METRICS
from koma.measures.meter import Facts, Frame, Reading
from koma.measures.setting import Setting
from koma.pixels.marks import marks_of
from koma.pixels.palette import Colours, colours_of, moved
from koma.pixels.picture import Pixels, UnreadableError, read_picture

SPEC = METRICS["style-similarity"]
SAMPLES = 4  # frames of a clip at most: style does not change from one frame to the next
STEPS: Mapping[str, float] = {
    "line_density": log(2),  # natural logarithm of a ratio: twice or half as many lines
    "flat_regions": log(2),  # likewise
    "saturation": 0.2,
    "contrast": 0.1,
    "palette": 20.0,  # CIEDE2000; between two of these, colours have other names
}
"""How far each of them moves until the eye speaks of another style; 1/e of the similarity is left when all have moved so far."""
_RATIOS = {"line_density": 0.01, "flat_regions": 1.0}  # compared by ratio, with this added so that none is not infinitely far from a few


class _Look(NamedTuple):
    """What is measured of one picture."""

    marks: Marks
    colours: Colours


class Meter:
    """Keeps a few frames that lie evenly apart, and looks at them in the end."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._kept: dict[int, Pixels] = {}
        self._stride, self._number = 1, 0

    def add(self, frame: Frame) -> None:
        """Keep every frame, then every second, every fourth: how long the clip is shows only in the end."""
        if self._setting.against.style and self._number % self._stride == 0:
            if len(self._kept) == SAMPLES:
                self._stride *= 2
                self._kept = {number: small for number, small in self._kept.items() if number % self._stride == 0}
            if self._number % self._stride == 0:
                self._kept[self._number] = frame.small
        self._number += 1

    def finish(self, facts: Facts) -> Reading:  # noqa: ARG002  what was kept says it all
        """Return the median over the kept frames, with what is off in the middle one."""
        style = self._setting.against.style
        if not style:
            return Reading(None, "no style with reference pictures is named for this shot")
        try:
            references = [_reference(picture.content_digest, self._setting.picture(picture)) for picture in style]
        except (OSError, UnreadableError) as error:
            return Reading(None, f"a reference picture of the style can't be read: {error}", failed=True)
        off = {number: _off(_look(small), references) for number, small in self._kept.items()}
        values = {number: _similarity(terms) for number, terms in off.items()}
        details = {
            "per_frame": [round(value, 4) for value in values.values()],
            "sampled": list(values),
            "steps_off": {name: round(float(np.median([terms[name] for terms in off.values()])), 4) for name in STEPS},
            "references": len(references),
        }
        return Reading(float(np.median(list(values.values()))), details=details)


@lru_cache(maxsize=64)
def _reference(content_digest: str, file: Path) -> _Look:  # noqa: ARG001  the digest is what the cache goes by
    return _look(Frame(read_picture(file)).small)


def _look(small: Pixels) -> _Look:
    return _Look(marks_of(small), colours_of(small))


def _off(seen: _Look, references: list[_Look]) -> dict[str, float]:
    """How many steps each mark lies outside the range of the references, and the colours from the nearest of them."""
    terms = {}
    for name in ("line_density", "flat_regions", "saturation", "contrast"):
        spanned = [_scaled(name, look.marks) for look in references]
        here = _scaled(name, seen.marks)
        terms[name] = max(0.0, min(spanned) - here, here - max(spanned)) / STEPS[name]
    terms["palette"] = min(moved(seen.colours, look.colours) for look in references) / STEPS["palette"]
    return terms


def _scaled(name: str, marks: Marks) -> float:
    value = float(getattr(marks, name))
    return log(value + _RATIOS[name]) if name in _RATIOS else value


def _similarity(terms: Mapping[str, float]) -> float:
    return exp(-sum(terms.values()) / len(terms))
