"""Faces in pictures: found by insightface's detector (SCRFD), told apart by its recogniser (ArcFace), from named files in named roles.

insightface chooses what a model is for by its shape, and loads packs by name; so its hub and its router are not used: the two classes get
sessions that koma.measures.learned.runtime opened. It reads pictures as BGR and gives them to the models as RGB.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from koma.measures.learned.runtime import Floats, Network, Shape, load, open_network, record_of, replace_hint, unit
from koma.measures.learned.sampling import prepared, sample_of
from koma.measures.learned.store import ModelBrokenError, Models
from koma.measures.meter import Frame
from koma.measures.setting import Setting
from koma.pixels.picture import Pixels, read_picture

DETECTOR, RECOGNISER = "face-detector", "face-recogniser"
CONFIDENCE = 0.5  # a detection below is no face
OVERLAP = 0.4  # intersection over union, from which on the less certain of two detections is dropped
INPUT = 640  # px; the frame is scaled to fit this square, in its upper left corner, over black
NARROW = 8  # px of that square; a frame that is narrower there holds no face
ALIGNED = 112  # px, side of the aligned face that the recogniser sees
EMBEDDING = 512

_DETECTOR = Shape((None, 3, None, None), (1, 1, 1, 4, 4, 4, 10, 10, 10))  # score, box and five points, at three strides each
_RECOGNISER = Shape((None, 3, ALIGNED, ALIGNED), (EMBEDDING,))
_LIBRARIES = ("numpy", "opencv-python-headless", "insightface", "onnx", "scikit-image")


@dataclass(frozen=True, slots=True)
class Face:
    """One detection: box (left, top, right, bottom; px), certainty 0..1, and five points (px): both eyes, nose, both corners of the mouth.

    Left and right are those of the picture.
    """

    box: Floats
    score: float
    points: Floats

    @property
    def area(self) -> float:
        """Area of the box, px²."""
        left, top, right, bottom = self.box.tolist()
        return float((right - left) * (bottom - top))


class Detector:
    """The open detector. Raises ModelMissingError, ModelBrokenError, when it is made and when it looks."""

    def __init__(self, models: Models | None, device: str) -> None:
        self.network = open_network(models, DETECTOR, _DETECTOR, device)
        self._scrfd = load("insightface.model_zoo.scrfd").SCRFD(session=self.network.session)
        self._scrfd.prepare(0, nms_thresh=OVERLAP, det_thresh=CONFIDENCE)

    def faces(self, rgb: Pixels) -> list[Face]:
        """Faces of an RGB picture, the most certain first."""
        height, width, _ = rgb.shape
        if INPUT * min(height, width) < NARROW * max(height, width):
            return []
        try:
            boxes, points = self._scrfd.detect(_bgr(rgb), input_size=(INPUT, INPUT))
        except (IndexError, ValueError, TypeError) as error:  # of decoding outputs whose lengths do not fit their strides
            raise ModelBrokenError(f"{DETECTOR} gave what is no detection: {error}", replace_hint(DETECTOR)) from error
        found = [Face(box[:4], float(box[4]), five) for box, five in zip(boxes, points, strict=True)]
        return [face for face in found if _spread(face.points)]


class Recogniser:
    """The open recogniser. Raises ModelMissingError, ModelBrokenError, when it is made and when it looks."""

    def __init__(self, models: Models | None, device: str) -> None:
        self.network = open_network(models, RECOGNISER, _RECOGNISER, device)
        self._align = load("insightface.utils.face_align")
        arcface = load("insightface.model_zoo.arcface_onnx").ArcFaceONNX
        self._arcface = arcface(model_file=str(self.network.file), session=self.network.session)

    def embedding(self, rgb: Pixels, face: Face) -> Floats:
        """512 numbers of length 1 for a face of an RGB picture."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # how it fits the five points is deprecated in the library that it uses
            aligned = self._align.norm_crop(_bgr(rgb), face.points, ALIGNED)
        return unit(self._arcface.get_feat(aligned).ravel(), "a face", RECOGNISER)


class Scan:
    """The sampled frames of one file with their faces; each frame is searched once, whichever metrics ask."""

    def __init__(self, setting: Setting) -> None:
        self.detector = Detector(setting.models, setting.device)
        self.sample = sample_of(setting)
        self._found: dict[int, list[Face]] = {}

    def frames(self) -> dict[int, tuple[Pixels, list[Face]]]:
        """RGB and faces of each sampled frame, by its number."""
        frames = self.sample.frames()
        self._found.update({number: self.detector.faces(rgb) for number, rgb in frames.items() if number not in self._found})
        return {number: (rgb, self._found[number]) for number, rgb in frames.items()}


def scan_of(setting: Setting) -> Scan:
    """Return the scan that the meters of one file share. Raises ModelMissingError, ModelBrokenError."""
    if "faces" not in setting.shared:
        setting.shared["faces"] = Scan(setting)
    scan: Scan = setting.shared["faces"]
    return scan


class FaceMeter:
    """Base of metrics that look for faces in the sampled frames. Raises ModelMissingError, ModelBrokenError."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.scan = scan_of(setting)

    def add(self, frame: Frame) -> None:
        """Offer the next frame to the sample."""
        self.scan.sample.add(frame)

    def record(self, *others: Network) -> dict[str, Any]:
        """Say what measured: the detector, and the other networks that took part."""
        return faces_record(self.setting.models, self.scan.detector.network, *others)


def faces_record(models: Models, *networks: Network) -> dict[str, Any]:
    """Say what measured, for a reading's record."""
    return record_of(models, networks, _LIBRARIES)


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """What a reference picture shows: how many faces, the embedding of the largest (512 numbers of length 1, () without a face)."""

    count: int
    embedding: tuple[float, ...]
    record: Mapping[str, Any]


def embed_faces(file: Path, models: Models | None, device: str = "cpu") -> FaceRecord:
    """Look for faces in a picture file. Raises ModelMissingError, ModelBrokenError, UnreadableError."""
    rgb = prepared(read_picture(file))
    detector, recogniser = Detector(models, device), Recogniser(models, device)
    faces = detector.faces(rgb)
    embedding = recogniser.embedding(rgb, largest(faces)).tolist() if faces else []
    assert models is not None  # noqa: S101  opening a network without a store raised
    return FaceRecord(
        len(faces), tuple(round(number, 6) for number in embedding), faces_record(models, detector.network, recogniser.network)
    )


def largest(faces: Sequence[Face]) -> Face:
    """Return the face with the largest box. Raises ValueError without one."""
    return max(faces, key=lambda face: face.area)


def mean_embedding(embeddings: Sequence[Floats]) -> Floats:
    """Mean of embeddings of length 1, scaled to length 1 again. Raises ModelBrokenError where they cancel each other out."""
    return unit(np.mean(np.stack(embeddings), axis=0), "the references together", RECOGNISER)


def _bgr(rgb: Pixels) -> Pixels:
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _spread(points: Floats) -> bool:
    """Whether five points lie apart, so that a face can be aligned by them."""
    return bool(np.ptp(points, axis=0).max() >= 1)
