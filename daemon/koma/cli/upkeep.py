"""Findings about what time does to a workspace: the clock, and objects that rotted on the disk."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from koma.app.workspace import App
from koma.cli.machine import Finding, fail, ok, warn
from koma.cli.printing import count

BEHIND_SECONDS = 60.0  # what was written last may not look younger than now by more
APART_SECONDS = 5.0  # between the clock of this machine and that of its disk, which may be another machine's
_MOST = 20


def clock(app: App) -> Iterator[Finding]:
    """Compare the clock with the times of what was written last, and with the clock of the disk."""
    now, private = app.clock.now(), app.config.paths.private
    written = max((file.stat().st_mtime for file in (app.config.paths.state, app.config.paths.events) if file.exists()), default=0.0)
    said = time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(now))
    apart = _apart(private, now) if private.is_dir() else 0.0
    if written > now + BEHIND_SECONDS:
        yield warn(
            "clock",
            f"{said}: {written - now:.0f} s before what was written last",
            "set it (timedatectl set-ntp true); nothing renders for it",
        )
    elif abs(apart) > APART_SECONDS:
        yield warn("clock", f"{said}: the disk of outputs says {apart:+.0f} s", "let both machines keep the time by NTP")
    else:
        yield ok("clock", said)


def _apart(folder: Path, now: float) -> float:
    """Seconds by which the disk's clock is ahead."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".clock-") as file:
            return Path(file.name).stat().st_mtime - now
    except OSError:
        return 0.0  # the finding about the disk says what is wrong there


def rotten(app: App) -> Iterator[Finding]:
    """Read every object again and compare it with its name. Takes as long as reading the whole object store."""
    damaged, read, size = [], 0, 0
    for file in sorted(app.config.paths.objects.glob("??/*")):
        digest, suffix = file.parent.name + file.name.partition(".")[0], "".join(file.suffixes)
        try:
            whole = app.objects.verify(digest, suffix)
        except ValueError:
            continue  # none of ours
        except OSError:
            whole = False
        read, size = read + 1, size + file.stat().st_size
        damaged += [] if whole else [file]
    fix = "move it away: it is rendered again when it is wanted; or bring it back: koma restore"
    yield from (fail("objects", f"{file} is not what its name says: its bytes changed on the disk", fix) for file in damaged[:_MOST])
    if len(damaged) > _MOST:
        yield fail("objects", f"and {len(damaged) - _MOST} more", fix)
    if not damaged:
        yield ok("objects", f"{count(read, 'object')} read, {size / 1e6:.1f} MB: all whole")
