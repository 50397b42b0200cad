"""What the learned metrics that compare with characters have in common: vectors of reference pictures, and a reading for each character."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from koma.core.against import Picture, Subject
from koma.measures.learned.runtime import Floats
from koma.measures.learned.sampling import prepared
from koma.measures.meter import Reading
from koma.measures.setting import Setting
from koma.pixels.picture import Pixels, UnreadableError, read_picture

_MOST = 4096  # vectors that are remembered

_vectors: dict[tuple[str, str], Floats | str] = {}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one character: vectors of its usable references, their content digests, and why others were left out."""

    vectors: tuple[Floats, ...]
    used: tuple[str, ...]
    left_out: Mapping[str, str]

    @property
    def why(self) -> str:
        """Say why there is nothing to compare with; "" if there is."""
        if self.vectors:
            return ""
        reasons = "; ".join(f"{digest[:12]}: {why}" for digest, why in self.left_out.items())
        return f"no reference of the character can be used ({reasons})" if reasons else "the character has no reference pictures"


def known(setting: Setting, subject: Subject, by: str, vector: Callable[[Pixels], Floats | str]) -> Known:
    """Work out the vectors of a character's references, with `vector`, which says in words why a picture has none.

    They are remembered in this process by the content digest of the picture and `by`, which names the models and where they run.
    """
    found = {picture.content_digest: _vector(setting, picture, by, vector) for picture in subject.references}
    usable = {digest: value for digest, value in found.items() if not isinstance(value, str)}
    return Known(tuple(usable.values()), tuple(usable), {digest: why for digest, why in found.items() if isinstance(why, str)})


def _vector(setting: Setting, picture: Picture, by: str, vector: Callable[[Pixels], Floats | str]) -> Floats | str:
    key = (picture.content_digest, by)
    if key in _vectors:
        return _vectors[key]
    rgb = _pixels(setting, picture)
    if isinstance(rgb, str):
        return rgb  # not remembered: the file may come back
    if len(_vectors) >= _MOST:
        _vectors.clear()
    _vectors[key] = vector(rgb)
    return _vectors[key]


def _pixels(setting: Setting, picture: Picture) -> Pixels | str:
    """RGB of a reference picture, or why it can't be read."""
    try:
        file = setting.picture(picture)
    except OSError as error:
        return f"its file can't be found: {error}"
    if not file.is_file():
        return "its file is gone"
    try:
        return prepared(read_picture(file))
    except UnreadableError as error:
        return error.why


def reading(values: Mapping[int, float], known_as: Known, nothing: str, details: Mapping[str, Any], record: Mapping[str, Any]) -> Reading:
    """Median of a character's values by frame number; without any, unmeasured with its reason, else `nothing`."""
    about: dict[str, Any] = {**details, "references": list(known_as.used), "left_out": dict(known_as.left_out)}
    if not values:
        return Reading(None, known_as.why or nothing, about, record=record)
    about |= {"sampled": list(values), "per_frame": [round(value, 6) for value in values.values()]}
    return Reading(float(median(values.values())), details=about, record=record)


def by_subject(names: Sequence[str], pairs: Mapping[int, Mapping[int, float]]) -> dict[str, dict[int, float]]:
    """Turn values by frame and then by place of the character into values by character and then by frame."""
    return {name: {frame: found[place] for frame, found in pairs.items() if place in found} for place, name in enumerate(names)}
