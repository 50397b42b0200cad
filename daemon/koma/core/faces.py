"""Faces in the reference pictures of one version: how many each shows, and the mean of their embeddings. Pure.

They are told, and refuse no picture: which pictures go into a graph must not depend on which models a machine has.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from koma.core.world import Reference

FACES_VERSION = "1"
MODELS = ("face-detector", "face-recogniser")
COUNTED = "faces that the face detector finds in each picture that is used"
MEAN = "mean of the 512 numbers of the largest face in each picture (ArcFace, each of length 1), scaled to length 1, to four digits"
NO_IMAGE = "not made: metrics compare with the pictures themselves"
_DIGITS = 4


class FaceMarks(NamedTuple):
    """What was found in one picture: how many faces, and the embedding of the largest (of length 1; () without a face)."""

    number: int
    embedding: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, for a cache."""
        return {"number": self.number, "embedding": list(self.embedding)}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "FaceMarks":
        """Read what `to_json` gave. Raises LookupError, TypeError, ValueError for anything else."""
        return FaceMarks(int(data["number"]), tuple(float(number) for number in data["embedding"]))


class Looking(NamedTuple):
    """Who looks for faces: `weights` are the models (name, sha256, licence); or `why` nobody does, in words that say what to do."""

    weights: tuple[Mapping[str, str], ...] = ()
    why: str = "not looked for"

    @property
    def key(self) -> str:
        """What a finding depends on besides the picture; "" where nobody looks."""
        return "" if self.why else " ".join([FACES_VERSION, *(weight["sha256"] for weight in self.weights)])


NOBODY = Looking()


def faces_of(used: Sequence[Reference], seen: Mapping[str, FaceMarks], looking: Looking) -> dict[str, Any]:
    """Make the parts `faces` and `embeddings` of an identity record; `seen` is what was found, by content digest."""
    if looking.why:
        return {
            "faces": {"counted": False, "why": looking.why},
            "embeddings": {"face": None, "image": None, "why": f"{looking.why}; of whole pictures: {NO_IMAGE}"},
        }
    found = [(reference, seen[reference.content_digest]) for reference in used if reference.content_digest in seen]
    weights = [dict(weight) for weight in looking.weights]
    return {
        "faces": {
            "counted": True,
            "definition": COUNTED,
            "measured": len(found),
            "of": len(used),
            "pictures": {reference.path: marks.number for reference, marks in found},
            "notes": [{"path": reference.path, "note": _note(marks.number)} for reference, marks in found if marks.number != 1],
            "weights": weights,
        },
        "embeddings": {"face": _face(found, weights), "image": None, "why": f"of whole pictures: {NO_IMAGE}"},
    }


def _note(count: int) -> str:
    if not count:
        return "the face detector finds no face in it"
    return f"it shows {count} faces, and a reference should show one: cut out the one that is meant"


def _face(found: Sequence[tuple[Reference, FaceMarks]], weights: Sequence[Mapping[str, str]]) -> dict[str, Any] | None:
    """Mean embedding; None where no picture has a face, or where they cancel each other out."""
    embeddings = [marks.embedding for _, marks in found if marks.embedding]
    mean = mean_of(embeddings)
    return {"mean": mean, "of": len(embeddings), "definition": MEAN, "weights": list(weights)} if mean else None


def mean_of(embeddings: Sequence[Sequence[float]]) -> list[float]:
    """Mean direction of vectors of one length, of length 1 and rounded; [] where there is none."""
    sums = [math.fsum(numbers) for numbers in zip(*embeddings, strict=True)]
    length = math.sqrt(math.fsum(number * number for number in sums))
    return [round(number / length, _DIGITS) + 0.0 for number in sums] if length > 0 and math.isfinite(length) else []


def in_words(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """Say in a line each what a record knows of faces and embeddings: name, value ("" for none), and how or why."""
    faces, face = record["faces"], record["embeddings"]["face"]
    counts = ", ".join(map(str, (faces.get("pictures") or {}).values()))
    counted = f"{counts} in {faces['measured']} of {faces['of']} pictures" if counts else "none looked at" if faces["counted"] else ""
    about = "; ".join([faces["definition"], *(f"{n['path']}: {n['note']}" for n in faces["notes"])]) if faces["counted"] else faces["why"]
    return [
        {"name": "faces", "value": counted, "about": about},
        {
            "name": "embeddings",
            "value": f"of the face, from {face['of']} picture{'s' if face['of'] > 1 else ''}" if face else "",
            "about": face["definition"] if face else record["embeddings"]["why"],
        },
    ]
