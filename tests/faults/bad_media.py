"""Pictures and clips that announce too much, hold too little, or are something else: each is refused in words, and the next one is read.

Each is looked at as a reference and proved as an output, in the confined process that both go through, whose largest memory is measured.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `support` and `faults`

from faults.table import Row, main
from koma.pixels.decoder import Decoder
from koma.pixels.header import UnreadableError
from support.hostile_media import made
from support.pictures import drawing, save

MOST = 512  # MiB of memory of the process that decodes


def objections(decoder: Decoder, file: Path, good: Path) -> Iterator[str]:
    """Have a bad file looked at in both ways, and a good one after each; what is not as it must be."""
    for look in (decoder.look, decoder.prove):
        try:
            yield f"accepted: {look(file)}"
        except UnreadableError as error:
            if file.name not in str(error) or not error.why:
                yield f"no place or no words: {error}"
        except OSError as error:
            if not error.strerror:
                yield f"no words: {error!r}"
        except Exception as error:  # noqa: BLE001  this is what is looked for
            yield f"{type(error).__name__}: {error}"
        if decoder.prove(good) != 1:
            yield "the next file was not read"


def peak(decoder: Decoder) -> int:
    """Most memory that the process had so far, in MiB."""
    lines = Path(f"/proc/{decoder.pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) >> 10


def rows(share: float, make: Callable[[], Decoder] = Decoder) -> list[Row]:
    """Try a share of the files: evenly from every kind."""
    wrong, fired, memory, slowest, decoder = [], dict[str, int](), 0, 0.0, make()
    with tempfile.TemporaryDirectory() as folder:
        good = save(drawing(32, 24), Path(folder) / "good.png")
        for kind, name, write in made(max(1, round(1 / share))):
            file = Path(folder) / "bad.png"
            write(file)
            began = time.monotonic()
            wrong += [f"{name}: {objection}" for objection in objections(decoder, file, good)]
            slowest = max(slowest, time.monotonic() - began)
            memory = max(memory, peak(decoder))
            fired[kind] = fired.get(kind, 0) + 1
            if file.is_dir() and not file.is_symlink():
                file.rmdir()
            file.unlink(missing_ok=True)
    decoder.close()
    tried = sum(fired.values())
    figure = f"{tried} files, {len(wrong)} wrong, at most {memory} MiB, the slowest {slowest:.1f} s"
    target = f"at least 200, each refused in words, 0 crashes, under {MOST} MiB"
    return [Row("bad input: pictures and clips", target, figure, not wrong and memory < MOST, fired, "; ".join(wrong[:5]))]


if __name__ == "__main__":
    sys.exit(main(rows))
