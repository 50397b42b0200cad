"""The settings of a workspace, from koma.yaml or from what was read of it before."""

import json
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from koma.config import Config, load
from koma.core.jsontext import read_json

CONFIG_FILE = "koma.yaml"
MAX_BYTES = 16 * 1024 * 1024  # of what is kept of it


def read_config(workspace: Path) -> Config:
    """Read the settings of a workspace; no YAML is parsed while koma.yaml has the bytes that it had before."""
    file, kept = workspace / CONFIG_FILE, workspace / "outputs" / ".koma" / "koma.yaml.json"
    try:
        digest = sha256(file.read_bytes()).hexdigest()
        cached = read_json(kept.read_bytes(), MAX_BYTES)
    except (OSError, ValueError):
        return _read_anew(workspace, file, kept)
    known = isinstance(cached, dict) and cached.get("digest") == digest and "data" in cached
    return load(workspace, parsed=cached["data"]) if known else _read_anew(workspace, file, kept)


def _read_anew(workspace: Path, file: Path, kept: Path) -> Config:
    config = load(workspace)
    from koma.core.yamltext import read_yaml  # noqa: PLC0415  # start-up time of a command whose settings are as they were

    text = file.read_bytes()
    documents = read_yaml(text, CONFIG_FILE).documents
    data: Any = documents[0].data if documents else {}
    if kept.parent.is_dir():
        temporary = kept.parent / "tmp" / f"{kept.name}.{os.getpid()}"
        with suppress(OSError):  # a full disk costs the time to read it again, no more
            temporary.parent.mkdir(exist_ok=True)
            temporary.write_text(json.dumps({"digest": sha256(text).hexdigest(), "data": data}), encoding="utf-8")
            temporary.rename(kept)
    return config
