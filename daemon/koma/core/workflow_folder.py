"""The other files of a template that is made of a workflow: `template.yaml`, `sample.yaml`, `README.md`. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from koma.core.parameter import Parameter, ParameterType
from koma.core.runs import FrameRule
from koma.core.workflow_guess import Guess
from koma.core.workflow_hole import Hole
from koma.core.workflow_text import graph_text
from koma.core.yamlscalar import scalar

_SOURCES = {
    "still": "what the shot's still phase made",
    "reference": "the first reference picture of the shot's first character",
    "control.pose": "the shot's pose picture",
    "control.depth": "the shot's depth picture",
    "clip": "the clip that is finished",
    "picture": "the picture that is finished",
}
_MOVING_RATE = 8.0  # frames/s where the workflow names none
_FASTEST = 120  # frames/s


def folder_files(guess: Guess, name: str, source: str, form: str) -> dict[str, str]:
    """Text of every file of the template folder, by name. `source` is what the workflow's file is called, `form` what it was saved as."""
    source = _line(source)
    return {
        "template.yaml": "".join(f"{line}\n" for line in _manifest(guess, name, source)),
        "graph.json.j2": graph_text(guess),
        "sample.yaml": "".join(f"{line}\n" for line in _sample(guess, source)),
        "README.md": "".join(f"{line}\n" for line in _page(guess, name, source, form)),
    }


def _manifest(guess: Guess, name: str, source: str) -> Iterator[str]:
    moving = guess.phase in ("loop", "video")
    yield "# What this template takes and makes, as far as it could be guessed."
    yield "kind: template"
    yield f"name: {scalar(name)}"
    yield f"title: {scalar(name.replace('-', ' ').replace('_', ' ').capitalize())}"
    yield f"description: {scalar(f'Imported from {source}.')}"
    yield f"phase: {guess.phase}"
    yield f"family: {scalar(guess.family.name)}"
    yield from _block("parameters", {hole.name: _parameter(hole) for hole in guess.holes.values()})
    yield from _block("inputs", {p.name: {"from": p.source, "description": _SOURCES[p.source]} for p in guess.pictures})
    yield f"outputs: {_flow({'media': _media(guess)})}"
    if moving:
        rate = guess.rate or _MOVING_RATE
        yield f"fps: {_flow({'native': rate, 'min': min(rate, 1.0), 'max': max(rate, float(_FASTEST))})}"
        yield f"frames: {_flow(_counts(guess))}"
    yield f"node_packs: [{', '.join(scalar(pack) for pack in guess.packs)}]"
    yield from _block("models", _models(guess))
    yield f"vram_gb: {guess.family.gb:g}"
    yield f"estimate_seconds: {guess.family.seconds:g}"


def _media(guess: Guess) -> str:
    still = guess.phase == "still" or (guess.phase == "finish" and all(picture.source != "clip" for picture in guess.pictures))
    return "image" if still else "frames"


def _counts(guess: Guess) -> dict[str, Any]:
    counts = guess.counts or FrameRule(exact=(1,))
    if counts.exact:
        return {"exact": list(counts.exact)}
    steps = {"step": counts.step, "offset": counts.offset} if counts.step > 1 else {}
    return {"min": counts.min, "max": counts.max, **steps}


def _models(guess: Guess) -> dict[str, dict[str, str]]:
    return {f"model_{number}": {"file": file, "folder": folder} for number, (folder, file) in enumerate(guess.models, 1)}


def _parameter(hole: Hole) -> dict[str, Any]:
    limits = hole.limits
    default = "" if hole.name == "negative" else None if hole.standard and hole.name != "checkpoint" else hole.value
    numbers = {"min": limits.min, "max": limits.max, "multiple_of": limits.multiple_of, "unit": limits.unit or None}
    more = {"choices": list(limits.choices) or None, "folder": limits.folder or None}
    said = {"type": str(limits.type), "default": _plain(default, limits), **numbers, **more, "description": limits.description}
    return {key: value for key, value in said.items() if value is not None}


def _plain(value: Any, limits: Parameter) -> Any:
    return int(value) if limits.type is ParameterType.INT and value is not None else value


def _sample(guess: Guess, source: str) -> Iterator[str]:
    yield f"# The values of {source}."
    yield from (f"{hole.name}: {scalar(_plain(hole.value, hole.limits))}" for hole in guess.holes.values())
    if not guess.holes:
        yield "{}"


def _block(name: str, entries: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield f"{name}:" if entries else f"{name}: {{}}"
    yield from (f"  {key}: {_flow(value)}" for key, value in entries.items())


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    return "[" + ", ".join(map(_flow, value)) + "]" if isinstance(value, list) else scalar(value)


def _line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _page(guess: Guess, name: str, source: str, form: str) -> Iterator[str]:
    yield f"# {name}"
    yield ""
    yield f"Imported from `{source.replace('`', '')}` ({form}). The workflow's own values are in `sample.yaml`."
    yield ""
    yield f"**Server.** {', '.join(guess.packs) or 'No node pack that is known'}."
    yield ""
    yield f"**Models.** {'; '.join(f'`{_line(file)}` in `{folder}`' for folder, file in guess.models) or 'None'}."
    yield ""
    family = guess.family
    yield f"**Memory and time.** {family.gb:g} GB and {family.seconds:g} s are rough figures for the model family {family.name}."
    yield ""
    yield from _told("What a person has to look at", [note.text for note in guess.notes if note.hand])
    yield from _told("What was changed or left", [note.text for note in guess.notes if not note.hand])
    yield "**Parameters**"
    yield ""
    yield "| name | filled in by | goes into |"
    yield "|---|---|---|"
    for hole in guess.holes.values():
        places = ", ".join(f"{_cell(spot.node)}.{_cell(spot.input)}" for spot in hole.spots)
        yield f"| `{hole.name}` | {'Koma' if hole.standard else 'you, else the value of the workflow'} | {places} |"
    for picture in guess.pictures:
        yield f"| `{picture.name}` | {_SOURCES[picture.source]} | {', '.join(f'{_cell(s.node)}.{_cell(s.input)}' for s in picture.spots)} |"


def _cell(text: str) -> str:
    return _line(text).replace("|", "/")


def _told(title: str, points: list[str]) -> Iterator[str]:
    if points:
        yield f"**{title}**"
        yield ""
        yield from (f"- {_line(point)}" for point in dict.fromkeys(points))
        yield ""
