"""Files that a careless reader would choke on: pictures and clips that announce too much, hold too little, or are something else.

Every one of them is to be refused. `made` gives them one after the other, so that they never lie on the disk all at once.
"""

import io
import os
import pickle
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from support.hostile_clips import clips
from support.hostile_pictures import HEIGHT, PNG, WIDTH, bombs, broken, encoded, header
from support.pictures import drawing

Make = Callable[[Path], object]


def made(every: int = 1) -> Iterator[tuple[str, str, Make]]:
    """Kind, name and maker of every file, or of each so many-th of a kind."""
    tables = {
        "bomb": {name: _written(data) for name, data in bombs().items()},
        "broken picture": {name: _written(data) for name, data in broken().items()},
        "another kind": _others(),
        "bad clip": clips(),
        "noise": _noise(),
        "no file": _no_files(),
    }
    for kind, files in tables.items():
        for name in list(files)[::every]:
            yield kind, name, files[name]


def _written(data: Callable[[], bytes]) -> Make:
    return lambda file: file.write_bytes(data())


def _bytes(data: bytes) -> Make:
    return lambda file: file.write_bytes(data)


def _others() -> dict[str, Make]:
    image = Image.fromarray(drawing(WIDTH, HEIGHT))
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{0}">{1}</svg>'
    laughs = "".join(f'<!ENTITY a{n} "&a{n - 1};&a{n - 1};">' for n in range(1, 40))
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.png", bytes(50 << 20))
    texts = {
        "nothing": "",
        "one letter": "a",
        "a text": "hello",
        "a Git LFS pointer": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "an SVG": svg.format(9, ""),
        "an SVG of a million squared": svg.format(1_000_000, ""),
        "an SVG that reads another file": svg.format(9, '<image href="file:///etc/passwd"/>'),
        "an SVG of a thousand million laughs": f'<!DOCTYPE a [<!ENTITY a0 "ha">{laughs}]>' + svg.format(9, "&a39;"),
        "a page": "<html><script>alert(1)</script></html>",
        "a JSON": '{"a": 1}',
        "a playlist that names a file": playlist.format("file:///etc/passwd"),
        "a playlist that names an address": playlist.format("http://169.254.169.254/latest/meta-data/"),
        "a list of clips": "ffconcat version 1.0\nfile /etc/passwd\n",
        "a list of clips by another name": "ffconcat version 1.0\nfile 'concat:/etc/passwd|/etc/hosts'\n",
        "a manifest of a stream": '<?xml version="1.0"?><MPD><BaseURL>file:///etc/</BaseURL></MPD>',
        "a description of a session": "v=0\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
        "subtitles": "1\n00:00:00,000 --> 00:00:09,000\nhello\n",
        "a picture as text": "P3\n99999 99999\n255\n",
        "a bitmap as text": "P1\n3 3\n1 0 1\n",
        "an X picture": "/* XPM */\nstatic char *a[] = {};",
        "PostScript": "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99999 99999\n",
        "a PDF": "%PDF-1.7\n",
        "a script": "#!/bin/sh\ntouch /tmp/owned\n",
    }
    boxes = {kind: struct.pack(">I", 24) + b"ftyp" + kind + bytes(12) for kind in (b"avif", b"heic", b"mif1", b"jp2 ", b"crx ")}
    files = {name: text.encode() for name, text in texts.items()}
    files |= {f"a {kind}": encoded(kind, image) for kind in ("GIF", "BMP", "TIFF", "PPM", "TGA", "ICO", "PCX", "SGI", "DDS", "EPS", "PDF")}
    files |= {f"a box of {kind.decode().strip()}": data for kind, data in boxes.items()}
    files |= {
        "a TIFF that points at itself": b"II*\0\x08\0\0\0\x00\0\x08\0\0\0",
        "a TIFF with an offset beyond all": b"II*\0\xff\xff\xff\xff",
        "a TIFF of 64 bits": b"II+\0\x08\0\0\0" + bytes(16),
        "a Photoshop file": b"8BPS\0\1" + bytes(40),
        "an EXR": b"\x76\x2f\x31\x01" + bytes(40),
        "a pickle": pickle.dumps({"a": 1}),
        "a zip": archive.getvalue(),
        "a gzip": b"\x1f\x8b\x08" + bytes(40),
        "a program": b"\x7fELF" + bytes(200),
        "a font": b"\0\1\0\0\0\x0c" + bytes(40),
        "a database": b"SQLite format 3\0" + bytes(100),
        "a thousand zeros": bytes(1000),
        "a megabyte of 255": b"\xff" * (1 << 20),
        "a page that begins as a GIF": b"GIF89a/*<script>*/=1;" + bytes(40),
        "a wave": b"RIFF\x24\0\0\0WAVEfmt " + bytes(40),
        "an AVI": b"RIFF\x24\0\0\0AVI LIST" + bytes(40),
        "an Ogg": b"OggS" + bytes(40),
        "a Flash clip": b"FLV\1\1" + bytes(40),
        "a transport stream": (b"\x47" + bytes(187)) * 20,
        "an MP3": b"ID3\3\0" + bytes(40),
        "a raw clip": b"YUV4MPEG2 W99999 H99999 F25:1 Ip A0:0\nFRAME\n",
        "an elementary stream": b"\0\0\0\1\x67" + bytes(40),
    }
    return {name: _bytes(data) for name, data in files.items()}


def _noise() -> dict[str, Make]:
    starts = {
        "PNG": PNG, "PNG with a header": PNG + header(WIDTH, HEIGHT), "JPEG": b"\xff\xd8\xff\xe0", "WebP": b"RIFF\xf8\x07\0\0WEBPVP8L",
        "animated WebP": b"RIFF\xf8\x07\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0", "MP4": b"\0\0\0\x18ftypisom", "Matroska": b"\x1a\x45\xdf\xa3",
        "nothing": b"",
    }  # fmt: skip
    return {
        f"noise behind the start of {name}, {seed}": _bytes((start + random.Random(seed).randbytes(2048))[:2048])  # noqa: S311  noise that comes out the same each time
        for name, start in starts.items()
        for seed in range(4)
    }


def _no_files() -> dict[str, Make]:
    return {
        "a folder": lambda file: file.mkdir(),
        "a pipe": os.mkfifo,
        "an endless device": lambda file: file.symlink_to("/dev/zero"),
        "a link to itself": lambda file: file.symlink_to(file.name),
        "a link to nothing": lambda file: file.symlink_to("nothing-here"),
        "a file that is gone": lambda file: None,
    }
