"""Output files of a server, fetched. A file is believed once its checksums hold, or, where it has none, once two downloads are the same.

A server gives no digest of a file, and most formats decode to other pixels without a word when bits were flipped on the way.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from koma.backends.comfyui.http import Http
from koma.backends.comfyui.shapes import Reply
from koma.pixels.header import UnreadableError
from koma.pixels.whole import has_checksums
from koma.ports import CollectError

Prove = Callable[[Path], object]

DOWNLOADS = 4  # of one file, at most
_OK = 200
_SERVER_ERROR = 500


def prove_here(file: Path) -> int:
    """Decode a file whole, in this process. Raises UnreadableError."""
    from koma.pixels.proof import prove  # noqa: PLC0415  it imports what decodes, which nobody needs before something was rendered

    return prove(file)


async def fetch(http: Http, params: Mapping[str, str], into: Path, prove: Prove) -> None:
    """Fetch a file, and have `prove` decode it. Raises CollectError that does not name it, UnreadableError, NoAnswerError, OSError."""
    before = ""
    for _ in range(DOWNLOADS):
        _check(await http.download("/view", params, into))
        if await asyncio.to_thread(_holds_by_itself, into, prove):
            return
        digest = await asyncio.to_thread(_digest, into)
        if digest == before:
            await asyncio.to_thread(prove, into)
            return
        before = digest
    raise CollectError("each time it was fetched it was another file; look at what lies between here and the server", away=True)


def _holds_by_itself(file: Path, prove: Prove) -> bool:
    """Whether a file needs no second download: it has checksums, and they hold. Broken ones may have been broken on the way."""
    if not has_checksums(file):
        return False
    try:
        prove(file)
    except UnreadableError:
        return False
    return True


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check(reply: Reply) -> None:
    if reply.status >= _SERVER_ERROR:
        raise CollectError(f"the server answered HTTP {reply.status}", away=True)
    if reply.status != _OK:
        raise CollectError(f"the server answered HTTP {reply.status}: the file is gone or not readable there")
