"""The work behind `koma reproduce`: the receipt, its backend, a store of its own, and the answer."""

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from koma import __version__
from koma.app.workspace import App
from koma.cli.printing import count, print_json, print_lines, say
from koma.core.errors import KomaError, UsageError
from koma.core.jsontext import read_json
from koma.core.receipt import MAX_BYTES
from koma.core.words import BackendKind, Rendition
from koma.engine.comparing import Difference
from koma.engine.reproducing import CannotReproduceError, Reproducer, Reproduction
from koma.files import read_file
from koma.ports import Backend
from koma.publish.media import MediaBuilder
from koma.publish.objects import FileObjects

IDENTICAL, DIFFERS, CANNOT = 0, 1, 3


def run(workspace: Path | None, file: Path, *, as_json: bool) -> int:
    """Render, compare, print; exit code 0, 1 or 3."""
    receipt = _read(file)
    target = str(receipt.get("target", ""))
    with App.open(workspace) as app:
        try:
            result = _reproduced(app, receipt)
        except CannotReproduceError as error:
            _print({"target": target, "result": "cannot", "missing": list(error.missing)}, as_json=as_json)
            return CANNOT
    _print({"target": target, **_facts(result)}, as_json=as_json)
    return DIFFERS if result.difference else IDENTICAL


def _read(file: Path) -> Mapping[str, Any]:
    try:
        receipt = read_json(read_file(file, MAX_BYTES), MAX_BYTES)
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} can't be read: {error}", "give it a *.receipt.json from outputs/", exit_code=CANNOT) from error
    if not isinstance(receipt, dict):
        raise UsageError(f"{file} is no receipt", "give it a *.receipt.json from outputs/", exit_code=CANNOT)
    return receipt


def _reproduced(app: App, receipt: Mapping[str, Any]) -> Reproduction:
    backend = _backend(app, receipt)
    with tempfile.TemporaryDirectory(prefix="reproduce-", dir=app.scratch) as folder:
        scratch = Path(folder)
        made = FileObjects(scratch / "objects")
        reproducer = Reproducer(backend, app.objects, made, MediaBuilder(made, scratch), app.clock)
        say(f"rendering {receipt.get('target', '')} take {receipt.get('number', '')} again on {backend.name}")
        return asyncio.run(reproducer.run(receipt, {"koma": __version__}, scratch))


def _backend(app: App, receipt: Mapping[str, Any]) -> Backend:
    try:
        rendition = Rendition(receipt.get("rendition", ""))
        found = app.backends(rendition) if receipt.get("backend") == BackendKind.COMFYUI else app.embedded_backends()
    except KomaError as error:
        raise CannotReproduceError(str(error)) from error
    except ValueError as error:
        raise CannotReproduceError(f"the receipt names no rendition that this Koma knows: {error}") from error
    backend = next((backend for kind, backend in found.items() if kind == receipt.get("backend")), None)
    if backend is None:
        raise CannotReproduceError(f"no backend of the kind {receipt.get('backend')!r} draws {receipt['rendition']}")
    return backend


def _facts(result: Reproduction) -> dict[str, Any]:
    versions = {name: {"then": then, "now": now} for name, (then, now) in result.versions.items()}
    facts: dict[str, Any] = {"result": "different" if result.difference else "identical", "versions": versions}
    return facts | (_difference(result.difference) if result.difference else {})


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "max_difference": difference.largest,
        "mean_difference": round(difference.mean, 6),
        "first_frame": difference.first,
        "frames": {"then": difference.frames[0], "now": difference.frames[1]},
        "size": {"then": list(difference.sizes[0]), "now": list(difference.sizes[1])},
    }


def _print(facts: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(facts)
    else:
        print_lines(_lines(facts))


def _lines(facts: Mapping[str, Any]) -> Iterator[str]:
    if facts["result"] == "cannot":
        yield f"{facts['target']}: can't be reproduced"
        yield from (f"  missing: {what}" for what in facts["missing"])
        return
    yield f"{facts['target']}: {facts['result']}"
    if facts["result"] == "different":
        yield from _apart(facts)
    if facts["versions"]:
        yield f"{count(len(facts['versions']), 'version')} differ from the receipt's:"
        yield from (f"  {name}: {v['then'] or 'none'} then, {v['now'] or 'none'} now" for name, v in facts["versions"].items())


def _apart(facts: Mapping[str, Any]) -> Iterator[str]:
    for name in ("frames", "size"):
        then, now = facts[name]["then"], facts[name]["now"]
        if then != now:
            yield f"  {name}: {then} then, {now} now"
    yield f"  largest difference of a sample: {facts['max_difference']} of 255; mean {facts['mean_difference']:.6g}"
    yield f"  first frame that differs: {facts['first_frame']}, counted from 0"
