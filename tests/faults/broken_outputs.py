"""Output files that were cut short, or had a bit flipped, on the way or at the server: what is taken from it is what was drawn.

Each goes the whole way: a server gives it, the ComfyUI backend fetches it and has it decoded in the confined process, and the builder makes
artifacts of it. A file counts as accepted wrongly where its content digest, over size, rate and samples, is not that of the whole file.
"""

import asyncio
import io
import random
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from aiohttp import web
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `support` and `faults`

from faults.table import Row, main
from koma.backends.comfyui.backend import ComfyUIBackend
from koma.backends.comfyui.fetching import Prove
from koma.core.media import Media, Role
from koma.pixels.decoder import Decoder
from koma.ports import CollectError
from koma.publish.media import MediaBuilder
from koma.publish.objects import FileObjects
from support.pictures import drawing, request

CUTS, FLIPS = 200, 300
WIDTH, HEIGHT, FRAMES = 64, 48, 8
SEED = 20261121

Download = Callable[[], bytes]


class Format(NamedTuple):
    """One kind of file that is taken from a server: its name there, and what it is; whether its pixels have checksums, and whether that
    spares a second download."""

    file: str
    media: Media
    write: Callable[[], bytes]
    checked: bool = False
    once: bool = False


def _picture(kind: str, mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    grain = np.random.default_rng(SEED).integers(0, 32, (HEIGHT, WIDTH, 3), np.uint8)  # or a file has fewer bytes than it is to have cuts
    Image.fromarray(drawing(WIDTH, HEIGHT) ^ grain).convert(mode).save(out, kind, **options)
    return out.getvalue()


def _clip(name: str, codec: str, pixel_format: str, **options: str) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=name) as container:
        stream = container.add_stream(codec, rate=12, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixel_format
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(drawing(WIDTH, HEIGHT, number), format="rgb24").reformat(format=pixel_format)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


FORMATS: Mapping[str, Format] = {
    "PNG": Format("a.png", Media.IMAGE, lambda: _picture("PNG"), checked=True, once=True),
    "PNG with alpha": Format("a.png", Media.IMAGE, lambda: _picture("PNG", "RGBA"), checked=True, once=True),
    "WebP without loss": Format("a.webp", Media.IMAGE, lambda: _picture("WEBP", lossless=True)),
    "WebP": Format("a.webp", Media.IMAGE, lambda: _picture("WEBP", quality=80)),
    "JPEG": Format("a.jpg", Media.IMAGE, lambda: _picture("JPEG", quality=90)),
    "FFV1 in Matroska": Format("a.mkv", Media.FRAMES, lambda: _clip("matroska", "ffv1", "bgr0", level="3", slicecrc="1"), checked=True),
    "H.264 in MP4": Format("a.mp4", Media.FRAMES, lambda: _clip("mp4", "libx264", "yuv420p")),
    "H.265 in MP4": Format("a.mp4", Media.FRAMES, lambda: _clip("mp4", "libx265", "yuv420p", **{"x265-params": "log-level=none"})),
    "VP9 in WebM": Format("a.webm", Media.FRAMES, lambda: _clip("webm", "libvpx-vp9", "yuv420p", crf="30")),
    "ProRes in QuickTime": Format("a.mov", Media.FRAMES, lambda: _clip("mov", "prores_ks", "yuv422p10le")),
}


class Way:
    """From a server's disk into artifacts. `download` is what the server sends next."""

    def __init__(self, folder: Path, url: str, prove: Prove) -> None:
        self.download: Download = bytes
        self._folder = folder
        self._backend = ComfyUIBackend("broken", url, prove=prove)
        self._builder = MediaBuilder(FileObjects(folder / "objects"), folder)

    async def digest(self, kind: Format, download: Download, whole: bytes = b"") -> str:
        """Content digest of what is taken from such downloads; "" where they are refused, "whole" where it is the very same file."""
        self.download = download
        outputs = {"files": [{"filename": kind.file, "subfolder": "koma/x", "type": "output"}]}
        asked = request(kind.media, 12.0, FRAMES if kind.media is Media.FRAMES else 1)
        with tempfile.TemporaryDirectory(dir=self._folder) as into:
            try:
                files = await self._backend.collect(asked, outputs, Path(into))
                if whole and files[0].read_bytes() == whole:
                    return "whole"
                made = await asyncio.to_thread(self._builder.build, files, asked)
            except (CollectError, ValueError):
                return ""
        return next(artifact.content_digest for artifact in made if artifact.role is Role.OBJECT)

    async def close(self) -> None:
        """Close the connections."""
        await self._backend.close()


@asynccontextmanager
async def open_way(folder: Path, prove: Prove) -> AsyncIterator[Way]:
    """Open a way from a server that sends what it is told to."""

    async def view(_request: web.Request) -> web.Response:
        return web.Response(body=way.download())

    app = web.Application()
    app.router.add_get("/view", view)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    way = Way(folder, f"http://127.0.0.1:{runner.addresses[0][1]}", prove)
    try:
        yield way
    finally:
        await way.close()
        await runner.cleanup()


def flipped(data: bytes, chance: random.Random) -> bytes:
    """Flip one bit."""
    place, bit = chance.randrange(len(data)), chance.randrange(8)
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def cuts(size: int, share: float) -> list[int]:
    """Lengths to which a file is cut: the last bytes one by one, and evenly before them."""
    count = max(4, round(CUTS * share))
    near = count // 4
    return sorted({*range(size - near, size), *((size - near) * number // (count - near) for number in range(count - near))})


class OnTheWay:
    """Downloads with one bit flipped: in the first one, in the second one, or, in one of eight trials, in each of them elsewhere."""

    def __init__(self, data: bytes, number: int, chance: random.Random) -> None:
        self.flips = 0
        self._data, self._number, self._chance = data, number, chance
        self._sent = 0

    def __call__(self) -> bytes:
        self._sent += 1
        if self._number % 8 and self._sent != 1 + self._number % 2:
            return self._data
        self.flips += 1
        return flipped(self._data, self._chance)


async def _try_format(way: Way, name: str, share: float, found: dict[str, Counter[str]]) -> None:
    kind, chance = FORMATS[name], random.Random(f"{SEED} {name}")
    data = kind.write()
    good = await way.digest(kind, lambda: data)
    assert good, f"{name}: the whole file is refused"
    for size in cuts(len(data), share):
        found["cut"][f"{name}: {_word(await way.digest(kind, lambda: data[:size], data), good)}"] += 1  # noqa: B023  it is called at once
    for number in range(max(8, round(FLIPS * share))):
        sends = OnTheWay(data, number if not kind.once else 2 * number, chance)
        found["on the way"][f"{name}: {_word(await way.digest(kind, sends, data), good)}"] += bool(sends.flips)
        damaged = flipped(data, chance)
        found["at the server"][f"{name}: {_word(await way.digest(kind, lambda: damaged, data), good)}"] += 1  # noqa: B023  as above


def _word(digest: str, good: str) -> str:
    return {"": "refused", "whole": "whole", good: "same pixels"}.get(digest, "WRONG")


async def _try_all(share: float, prove: Prove) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {"cut": Counter(), "on the way": Counter(), "at the server": Counter()}
    with tempfile.TemporaryDirectory() as folder:
        async with open_way(Path(folder), prove) as way:
            for name in FORMATS:
                await _try_format(way, name, share, found)
    return found


def _of(found: Counter[str], word: str) -> dict[str, int]:
    return {name: found[f"{name}: {word}"] for name in FORMATS}


def _row(what: str, target: str, found: Counter[str], names: list[str], accepted: tuple[str, ...], notes: str = "") -> Row:
    tried = {name: sum(count for key, count in found.items() if key.partition(": ")[0] == name) for name in names}
    wrong = sum(_of(found, word)[name] for word in accepted for name in names)
    words = {word: sum(_of(found, word)[name] for name in names) for word in ("refused", "whole", "same pixels")}
    figure = f"{sum(tried.values())} tried, {wrong} accepted; " + ", ".join(f"{count} {word}" for word, count in words.items() if count)
    return Row(what, target, figure, not wrong, tried, notes)


def measure(share: float, prove: Prove | None = None) -> list[Row]:
    """Cut and flip files of every format."""
    decoder = Decoder()
    try:
        found = asyncio.run(_try_all(share, prove or decoder.prove))
    finally:
        decoder.close()
    names, checked = list(FORMATS), [name for name, kind in FORMATS.items() if kind.checked]
    through = {name: count for name, count in _of(found["at the server"], "WRONG").items() if name not in checked}
    notes = "no checksum, so what is flipped before it is sent may pass: " + ", ".join(f"{name} {count}" for name, count in through.items())
    return [
        _row("outputs cut short", "200 cuts per format, 0 accepted", found["cut"], names, ("WRONG", "same pixels", "whole")),
        _row("outputs with a bit flipped on the way", "300 flips per format, 0 accepted", found["on the way"], names, ("WRONG",)),
        _row(
            "outputs with a bit flipped at the server, formats with checksums",
            "300 flips per format, 0 accepted with other pixels", found["at the server"], checked, ("WRONG",), f"seed {SEED}; {notes}",
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(measure))
