"""A .zip of everything that is known of one target, for somebody who is to find out what is wrong. Secrets are taken out."""

import json
import platform
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from koma import __version__
from koma.app.settings import CONFIG_FILE
from koma.app.workspace import App
from koma.core.errors import KomaError
from koma.core.receipt import gate_document
from koma.core.redact import redact_text, redacted
from koma.core.shown import json_text, printable_text
from koma.engine.story import Teller
from koma.publish.layout import LOG, in_takes
from koma.telemetry.eventlog import history

_NEWEST_EVENTS = 2000


def pack(file: Path, app: App, teller: Teller, facts: Mapping[str, Any]) -> int:
    """Write the .zip; how many files it holds. Raises KomaError where it can't be written."""
    texts = {name: text for name, text in _texts(app, teller, facts).items() if text}
    try:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in texts.items():
                archive.writestr(name, text)
    except OSError as error:
        raise KomaError(
            f"{file} can't be written: {error.strerror}", "koma explain TARGET --bundle FILE, in a folder that you may write"
        ) from error
    return len(texts)


def _texts(app: App, teller: Teller, facts: Mapping[str, Any]) -> dict[str, str]:
    """File name in the .zip → text."""
    target_id = facts["target"]
    texts = {
        "story.json": _json(facts),
        "graph.json": _json(teller.document(target_id)),
        "versions.json": _json({"koma": __version__, "python": platform.python_version(), "system": platform.platform()}),
        CONFIG_FILE: redact_text((app.config.workspace / CONFIG_FILE).read_text(encoding="utf-8", errors="replace")),
        "events.jsonl": _events(app.config.paths.events, target_id),
    }
    stem = facts["keys"].get("output", "").rpartition(".")[0]
    for take in teller.takes(target_id):
        name = f"takes/{take.number:03d}-{take.take_key[:12]}"
        texts[f"{name}.receipt.json"] = _json(take.receipt)
        texts[f"{name}.gate.json"] = _json(gate_document(take))
        texts[f"{name}.log"] = _log(in_takes(app.config.paths.outputs, stem, take.take_key, LOG)) if stem else ""
    return texts


def _json(value: Any) -> str:
    return json_text(redacted(value), indent=1, default=str) + "\n" if value else ""


def _log(file: Path) -> str:
    return printable_text(redact_text(file.read_text(encoding="utf-8", errors="replace"))) if file.is_file() else ""


def _events(path: Path, target_id: str) -> str:
    lines = [json.dumps(redacted(event)) for event in history(path) if event.get("target") in (None, target_id)]
    return "".join(f"{line}\n" for line in lines[-_NEWEST_EVENTS:])
