"""`koma signatures SOURCE`: what a server says about its nodes, as the file that graphs are checked against."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Address of a ComfyUI server, or a JSON file of its /object_info.")],
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write here instead of to standard output.")] = None,
) -> int:
    """Record a ComfyUI server's node signatures, one class on each line."""
    import sys

    from koma.cli.printing import say
    from koma.core.errors import KomaError
    from koma.templating.signatures import dump_signatures

    classes = _asked(source) if source.startswith(("http://", "https://")) else _read(Path(source))
    if not classes:
        raise KomaError(f"{source} describes no node", "give it the reply of http://SERVER/object_info")
    text = dump_signatures(classes)
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")
    say(f"{len(classes)} node classes from {source}")
    return 0


def _read(file: Path) -> dict[str, Any]:
    from koma.app.known import MAX_BYTES
    from koma.core.errors import KomaError
    from koma.core.jsontext import read_json
    from koma.core.signatures import from_object_info, read_recorded

    try:
        data = read_json(file.read_bytes(), MAX_BYTES, nan=True)
    except (OSError, ValueError) as error:
        raise KomaError(
            f"{file} can't be read: {error}", "give it a JSON file, or the address of a server: http://127.0.0.1:8188"
        ) from error
    if not isinstance(data, Mapping):
        raise KomaError(f"{file} is no JSON object", "give it the reply of http://SERVER/object_info")
    recorded = {name: entry for name, entry in data.items() if isinstance(entry, Mapping) and "input" not in entry and "output" in entry}
    return read_recorded(recorded) | from_object_info(data)


def _asked(url: str) -> dict[str, Any]:
    import asyncio

    return asyncio.run(_ask(url))


async def _ask(url: str) -> dict[str, Any]:
    from koma.backends.comfyui.backend import ComfyUIBackend
    from koma.core.errors import KomaError

    backend = ComfyUIBackend("signatures", url.rstrip("/").removesuffix("/object_info"))
    try:
        found = await backend.signatures()
        message = "" if found is not None else (await backend.probe()).message
    finally:
        await backend.close()
    if found is None:
        raise KomaError(message or f"{url} gave no node signatures", "start ComfyUI, or correct the address")
    return dict(found)
