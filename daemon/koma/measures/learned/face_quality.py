"""Metric `face-quality`: how certain, sharp and complete the best face of a picture is."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import cv2
import numpy as np

from koma.core.metrics import METRICS
from koma.measures.learned.faces import Face, FaceMeter
from koma.measures.meter import Facts, Reading, luma
from koma.pixels.picture import Pixels

SPEC = METRICS["face-quality"]
SIDE = 112  # px, of the square to which a face is scaled before its sharpness is measured
SHARP = 100.0  # luma²; a face with this variance of the Laplacian or more is as sharp as it has to be
LARGE = 64.0  # px; a face whose box has this shorter side or more is as large as it has to be
TURN = 0.25  # of the way from eye to eye: so far the nose may stand from the middle before a face counts as turned away


class Meter(FaceMeter):
    """Keeps the best face of every sampled frame."""

    def finish(self, facts: Facts) -> Reading:  # noqa: ARG002  the sample knows its frames
        """Return the median over the sampled frames that show a face; without any, nothing is measured."""
        best = {number: best_face(rgb, faces) for number, (rgb, faces) in self.scan.frames().items()}
        seen = {number: parts for number, parts in best.items() if parts}
        details: dict[str, Any] = {"sampled": list(seen), "without_face": [number for number in best if number not in seen]}
        record = self.record()
        if not seen:
            return Reading(None, f"no face was found in {_counted(len(best))}", details, record=record)
        values = [parts["quality"] for parts in seen.values()]
        details |= {"per_frame": [round(value, 4) for value in values], "parts": [_rounded(parts) for parts in seen.values()]}
        return Reading(median(values), details=details, record=record)


def best_face(rgb: Pixels, faces: Sequence[Face]) -> dict[str, float]:
    """Return the parts of the face with the highest quality, {} without a face."""
    return max((quality(rgb, face) for face in faces), key=lambda parts: parts["quality"], default={})


def quality(rgb: Pixels, face: Face) -> dict[str, float]:
    """Quality of one face, 0..1, as the product of its parts, 0..1 each."""
    height, width, _ = rgb.shape
    left, top, right, bottom = face.box.tolist()
    parts = {
        "confidence": min(1.0, face.score),
        "sharpness": sharpness(rgb, face),
        "inside": float(np.mean(np.all((face.points >= 0) & (face.points < (width, height)), axis=1))),
        "symmetry": symmetry(face),
        "size": min(1.0, max(0.0, min(right - left, bottom - top)) / LARGE),
    }
    return {**parts, "quality": float(np.prod(list(parts.values())))}


def sharpness(rgb: Pixels, face: Face) -> float:
    """Variance of the Laplacian of the face's luma, scaled to 112 x 112 px, as a share of what is sharp enough; 0..1."""
    height, width, _ = rgb.shape
    left, top = np.clip(np.floor(face.box[:2]).astype(int), 0, (width, height))
    right, bottom = np.clip(np.ceil(face.box[2:]).astype(int), 0, (width, height))
    if right <= left or bottom <= top:
        return 0.0
    shrinks = min(right - left, bottom - top) >= SIDE
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    square = cv2.resize(luma(rgb[top:bottom, left:right]), (SIDE, SIDE), interpolation=how)
    return min(1.0, float(cv2.Laplacian(np.asarray(square, np.float32), cv2.CV_32F, ksize=1)[1:-1, 1:-1].var(dtype=np.float64)) / SHARP)


def symmetry(face: Face) -> float:
    """1 where the nose stands in the middle half between the eyes, falling to 0 where it reaches an eye, along the line of the eyes."""
    left, right, nose = face.points[:3].astype(np.float64)
    between = right - left
    length = float(between @ between)
    if length == 0.0:
        return 0.0
    away = abs(float((nose - left) @ between) / length - 0.5)
    return float(np.clip((0.5 - away) / TURN, 0.0, 1.0))


def _counted(frames: int) -> str:
    return f"{frames} sampled frames" if frames > 1 else "it"


def _rounded(parts: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in parts.items()}


make = Meter
