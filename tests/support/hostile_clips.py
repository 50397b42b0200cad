"""Clips that were cut or patched, or are of a kind that is not read."""

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from support.pictures import drawing, save_clip

Make = Callable[[Path], object]

WIDTH, HEIGHT = 48, 32
_FRAMES = [drawing(WIDTH, HEIGHT, shift) for shift in range(6)]
_LARGER = [drawing(320, 288, shift) for shift in range(3)]  # so that width and height take two bytes each
_ENDLESS = b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"  # a Matroska that announces no size


def _bytes(data: bytes) -> Make:
    return lambda file: file.write_bytes(data)


def _flipped(data: bytes) -> bytes:
    return data[:-2000] + bytes(byte ^ 1 for byte in data[-2000:-1000]) + data[-1000:]


def clips() -> dict[str, Make]:
    """Clips that were cut, patched, or are of a kind that is not read."""
    files: dict[str, Make] = {}
    for name, (codec, suffix) in {"MP4": ("libx264", ".mp4"), "Matroska": ("ffv1", ".mkv")}.items():
        for part in range(1, 16):
            files[f"{name} cut to {part} of 16 parts"] = _cut(codec, suffix, part / 16)
    files |= {
        "an MP4 without a header": _changed(".mp4", lambda data: data.replace(b"moov", b"free")),
        "an MP4 without frames": _changed(".mp4", lambda data: data.replace(b"mdat", b"free")),
        "an MP4 of an unknown codec": _changed(".mp4", lambda data: data.replace(b"avc1", b"zzzz")),
        "an MP4 without a codec's header": _changed(".mp4", lambda data: data.replace(b"avcC", b"zzzz")),
        "an MP4 that calls its video sound": _changed(".mp4", lambda data: data.replace(b"vide", b"soun")),
        "an MP4 of four thousand million frames": _changed(".mp4", lambda data: _patched(data, b"stsz", 12, b"\xff\xff\xff\xff")),
        "an MP4 whose frames lie beyond its end": _changed(".mp4", lambda data: _patched(data, b"stco", 12, b"\x7f\xff\xff\xff")),
        "an MP4 whose frames are larger than it": _changed(".mp4", lambda data: _patched(data, b"stsz", 16, b"\x7f\xff\xff\xff")),
        "an MP4 whose frames are a text": _changed(".mp4", _noise_in_frames),
        "an MP4 with a box of no end": _changed(".mp4", lambda data: _patched(data, b"moov", -4, b"\x7f\xff\xff\xff")),
        "an MP4 in which boxes lie in each other a thousand times": _bytes(_nested(1000)),
        "an MP4 with sound only": _sound,
        "a Matroska of no size": _changed(".mkv", lambda data: _element(data, b"\xb0", b"\0\0")),
        "a Matroska of 65535 x 65535": _changed(".mkv", lambda data: _element(_element(data, b"\xb0", b"\xff\xff"), b"\xba", b"\xff\xff")),
        "a Matroska of an unknown codec": _changed(".mkv", lambda data: data.replace(b"V_FFV1", b"V_ZZZZ")),
        "a Matroska with flipped checksums": _changed(".mkv", _flipped),
        "a Matroska of a header only": _bytes(b"\x1a\x45\xdf\xa3\x80"),
        "a Matroska without an end": _bytes(_ENDLESS + b"\xec\x40\x00" * 100_000),
        "a Matroska of clusters without frames": _bytes(_ENDLESS + b"\x1f\x43\xb6\x75\x80" * 100_000),
        "a Matroska that nests itself": _bytes(b"\x1a\x45\xdf\xa3\x80" + b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" * 10_000),
        "a WebM that changes its size": _growing,
        "a clip of a codec that nobody needs": _clip_of("mpeg2video"),
        "a clip of another such codec": _clip_of("msmpeg4"),
    }
    return files


def _cut(codec: str, suffix: str, share: float) -> Make:
    def make(file: Path) -> None:
        data = save_clip(file.with_suffix(suffix), _FRAMES, codec=codec).read_bytes()
        file.with_suffix(suffix).unlink()
        file.write_bytes(data[: int(len(data) * share)])

    return make


def _changed(suffix: str, change: Callable[[bytes], bytes]) -> Make:
    def make(file: Path) -> None:
        source = save_clip(file.with_suffix(suffix), _LARGER, codec="libx264" if suffix == ".mp4" else "ffv1")
        data = source.read_bytes()
        source.unlink()
        changed = change(data)
        assert changed != data, "nothing was changed"
        file.write_bytes(changed)

    return make


def _patched(data: bytes, box: bytes, offset: int, value: bytes) -> bytes:
    """Write into a box of an MP4, counted from its name."""
    at = data.index(box) + offset
    return data[:at] + value + data[at + len(value) :]


def _noise_in_frames(data: bytes) -> bytes:
    at = data.index(b"mdat") + 4
    size = struct.unpack(">I", data[at - 8 : at - 4])[0] - 8
    return data[:at] + (b"rain on the roof " * size)[:size] + data[at + size :]


def _nested(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = struct.pack(">I", len(inner) + 8) + b"moov" + inner
    return struct.pack(">I", 16) + b"ftypisom" + bytes(4) + inner + struct.pack(">I", 8) + b"mdat"


def _element(data: bytes, name: bytes, value: bytes) -> bytes:
    """Replace the value of the one-byte element `name` in the video track of a Matroska: width is B0, height BA."""
    at = data.index(b"\xe0", data.index(b"V_FFV1") - 80)
    at = data.index(name, at)
    size = data[at + 1] & 0x7F
    return data[: at + 2] + value.rjust(size, b"\0")[:size] + data[at + 2 + size :]


def _sound(file: Path) -> None:
    with av.open(str(file), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        frame.rate = 48000
        container.mux([*stream.encode(frame), *stream.encode(None)])


def _growing(file: Path) -> None:
    with av.open(str(file), "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=12)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for width, height in ((WIDTH, HEIGHT), (96, 64)):
            context = av.CodecContext.create("libvpx", "w")
            context.width, context.height, context.pix_fmt = width, height, "yuv420p"
            context.time_base, context.framerate = Fraction(1, 12), Fraction(12)
            frame = av.VideoFrame.from_ndarray(drawing(width, height), format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = width, Fraction(1, 12)
            for packet in [*context.encode(frame), *context.encode(None)]:
                packet.stream = stream
                container.mux(packet)


def _clip_of(codec: str) -> Make:
    def make(file: Path) -> None:
        with av.open(str(file), "w", format="matroska") as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for pixels in _FRAMES:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=stream.pix_fmt)))
            container.mux(stream.encode(None))

    return make
