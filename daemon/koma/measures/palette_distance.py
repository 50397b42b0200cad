"""Metric `palette-distance`: are the character's own colours in the picture? Needs no face, no model and no reference picture.

Which part of the picture is whose is not known, so each character is looked for in the whole of it. A colour of the ground that
happens to be that of the hair hides a change of the hair, and a part that the framing leaves out (the coat, in a close-up) counts as
far away: so the hair, which nearly every framing shows, weighs as much as all the other slots together.
"""

from collections.abc import Mapping
from math import ceil

import numpy as np

from koma.core.against import Subject
from koma.core.metrics import METRICS
from koma.measures.meter import Facts, Frame, Reading
from koma.measures.setting import Setting
from koma.pixels.colour import Samples, ciede2000, parse, to_lab
from koma.pixels.palette import Colours, colours_of

SPEC = METRICS["palette-distance"]
WEIGHTS: Mapping[str, int] = {"hair": 4, "skin": 2, "outfit": 1, "primary": 1}  # eyes and accents are too small to be found by their colour
VISIBLE = 0.002  # of the picture; less is a speck that any edge between two colours may give
NEAR = 10.0  # CIEDE2000; a shadow of the same colour is nearer
FAR = 20.0  # CIEDE2000; farther is another colour altogether, however far
THERE = 0.02  # of the picture that the palette's colours cover at least where the character is to be judged
EVERY = 2  # frames, and rows and columns of pixels: whose colours these are shows in every second one
POOLED = 0.9  # of the frames are no worse than the value

NOBODY = "no character is named for this shot, so there is no palette to look for"


class Meter:
    """Keeps, for each character and frame, how far each slot is away."""

    def __init__(self, setting: Setting) -> None:
        self._watched = {subject.id: _Watched(subject) for subject in setting.against.subjects}
        self._number = -1

    def add(self, frame: Frame) -> None:
        """Look for every palette in every second frame."""
        self._number += 1
        if self._number % EVERY == 0 and any(watched.slots for watched in self._watched.values()):
            colours = colours_of(frame.small[::EVERY, ::EVERY])
            for watched in self._watched.values():
                watched.look(colours)

    def finish(self, facts: Facts) -> Reading | Mapping[str, Reading]:  # noqa: ARG002  the frames that were seen say it all
        """Return one reading for each character, by id."""
        return {who: watched.reading() for who, watched in self._watched.items()} or Reading(None, NOBODY)


class _Watched:
    """One character's slots, and what was found of them so far."""

    def __init__(self, subject: Subject) -> None:
        self._id = subject.id
        self._palette = dict(subject.palette)
        self.slots = sorted(slot for slot in subject.palette if slot in WEIGHTS)
        self._weights = np.array([WEIGHTS[slot] for slot in self.slots], np.float64)
        self._colours = to_lab([parse(subject.palette[slot]) for slot in self.slots]) if self.slots else np.zeros((0, 3))
        self._found: list[Samples] = []  # of each frame, the distance of each slot
        self._there: list[bool] = []

    def look(self, colours: Colours) -> None:
        if not self.slots:
            return
        apart = ciede2000(self._colours[:, None], colours.lab[None])
        self._found.append(np.array([_reached(row, colours.share) for row in apart]))
        self._there.append(bool(colours.share[(apart <= NEAR).any(axis=0)].sum() >= THERE))

    def reading(self) -> Reading:
        if not self.slots:
            return Reading(None, self._nothing_to_find())
        if not any(self._there):
            return Reading(None, f"{self._id} is not in the picture, or too small in it, or in other colours throughout")
        found = np.stack(self._found)
        capped = np.minimum(found, FAR)
        frames = capped @ self._weights / self._weights.sum()
        seen = np.array(self._there)
        slots = {slot: round(_pooled(found[seen, number]), 4) for number, slot in enumerate(self.slots)}
        lost = {slot: WEIGHTS[slot] * min(distance, FAR) for slot, distance in slots.items()}
        details = {
            "slots": {slot: {"colour": self._palette[slot], "distance": distance} for slot, distance in slots.items()},
            "left_out": sorted(set(self._palette) - set(self.slots)),
            "worst": max(lost, key=lambda slot: lost[slot]),
            "sampled": list(range(0, EVERY * len(self._there), EVERY)),
            "unseen": [EVERY * number for number, there in enumerate(self._there) if not there],
            "per_frame": [round(float(value), 4) for value in frames],
        }
        return Reading(_pooled(frames[seen]), details=details)

    def _nothing_to_find(self) -> str:
        if not self._palette:
            return f"{self._id} has no palette"
        return f"the palette of {self._id} names only {' and '.join(sorted(self._palette))}; looked for are {', '.join(WEIGHTS)}"


def _reached(distances: Samples, share: Samples) -> float:
    """Return the smallest distance within which there is as much of the picture as can be seen."""
    order = np.argsort(distances, kind="stable")
    enough = int(np.searchsorted(np.cumsum(share[order]), VISIBLE - 1e-12))
    return float(distances[order[enough]])


def _pooled(values: Samples) -> float:
    """Return the value that a tenth of the frames, and no more, exceed."""
    return float(np.sort(values)[ceil(POOLED * len(values)) - 1])
