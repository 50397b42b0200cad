"""strace, driven: which system calls of a process touch files below a folder, and one of them that is killed or told a lie.

strace counts calls of one name from the moment at which it is attached, so a call is named by its name and its number.
"""

import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

# Whatever can change a file, a folder, or what of them is on the disk. Calls that a machine does not have are left out with `?`.
OPENS = frozenset({"open", "openat", "creat"})
WRITES = frozenset({"write", "pwrite64", "writev", "pwritev", "pwritev2", "sendfile", "copy_file_range"})
FLUSHES = frozenset({"fsync", "fdatasync", "sync_file_range"})
NAMES = frozenset({"rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"})
FOLDERS = frozenset({"mkdir", "mkdirat", "rmdir"})
ENDS = frozenset({"unlink", "unlinkat", "ftruncate", "truncate"})
OTHERS = frozenset({"fallocate", "chmod", "fchmod", "fchmodat"})
KINDS = {
    "writes": WRITES,
    "flushes": FLUSHES,
    "new names": NAMES,
    "opens": OPENS,
    "folders": FOLDERS,
    "deletions": ENDS,
    "modes": OTHERS,
}
WATCHED = sorted(frozenset().union(*KINDS.values()))
_CHANGES = ("O_CREAT", "O_TRUNC")
_CALL = re.compile(r"(\w+)\((.*)$")
_RESULT = re.compile(r"^(.*)\)\s+= (\?|-?\d+|0x[0-9a-f]+)(.*)$")  # the last of its kind: data may look like one
_HANDLE = re.compile(r"\d+<(/[^>]*)>")
_NAMED = re.compile(r'(?:(?:AT_FDCWD|\d+)<(/[^>]*)>, )?"((?:[^"\\]|\\.)*)"')  # a folder that is open, and a name in it
_BY_HANDLE = WRITES | FLUSHES | {"ftruncate", "fallocate", "fchmod"}
SECONDS = 60.0


class Call(NamedTuple):
    """One call: its name, its number among those of that name (from 1), its arguments as strace shows them, and its result.

    `paths` are the files that it is about, the one that is written to first. `result` is None for a call that never came back. `said` is
    what follows the result: an error, or `(INJECTED)`.
    """

    name: str
    number: int
    arguments: str
    result: int | None
    paths: tuple[str, ...]
    said: str = ""

    @property
    def kind(self) -> str:
        """What kind of call it is, one of KINDS."""
        return next(kind for kind, names in KINDS.items() if self.name in names)

    @property
    def went_well(self) -> bool:
        """Whether it did something."""
        return self.result is not None and self.result >= 0

    @property
    def injected(self) -> bool:
        """Whether strace made this call fail."""
        return "INJECTED" in self.said


class Fault(NamedTuple):
    """What strace does to one call: `what` is `signal=KILL`, `error=EIO`, `retval=100`; `lasts` to every later one of that name as well."""

    name: str
    number: int
    what: str
    lasts: bool = False

    @property
    def word(self) -> str:
        """The argument of strace."""
        return f"inject={self.name}:{self.what}:when={self.number}{'+' if self.lasts else ''}"


def read_trace(log: Path) -> list[Call]:
    """Read what strace wrote of one process."""
    seen: Counter[str] = Counter()
    return [call for line in log.read_text(errors="replace").splitlines() if (call := _call(line, seen)) is not None]


def _call(line: str, seen: Counter[str]) -> Call | None:
    match = _CALL.match(line)
    if match is None or match[1] not in WATCHED:
        return None
    name, rest = match[1], match[2]
    seen[name] += 1
    end = _RESULT.match(rest)
    arguments = end[1] if end else rest
    result = int(end[2], 0) if end and end[2] != "?" else None
    return Call(name, seen[name], arguments, result, tuple(_paths(name, arguments)), end[3].strip() if end else "")


def _paths(name: str, arguments: str) -> list[str]:
    if name in _BY_HANDLE:
        return _HANDLE.findall(arguments.partition('"')[0])
    found = [os.path.join(folder, path) for folder, path in _NAMED.findall(arguments)]  # noqa: PTH118  # a name may be a whole path
    return [path for path in found if path.startswith("/")]


def touching(calls: Iterable[Call], folder: Path) -> list[Call]:
    """Calls that changed something below a folder, or made it durable: those that failed, and files opened for reading, are left out."""
    return [call for call in calls if call.went_well and is_below(call, folder) and changes(call)]


def is_below(call: Call, folder: Path) -> bool:
    """Whether a call is about anything below a folder."""
    return any(folder in Path(path).parents for path in call.paths)


def changes(call: Call) -> bool:
    """Whether a call changes a file or a folder, or makes it durable: not where a file is only opened to be read."""
    return call.name not in OPENS or any(flag in call.arguments for flag in _CHANGES)


def why_not() -> str:
    """Say why nothing can be traced here, "" where it can."""
    if shutil.which("strace") is None:
        return "needs the program `strace`"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"needs to be allowed to trace processes (ptrace): {tried.stderr.strip()}"


def _options(log: Path, fault: Fault | None, shown: int) -> list[str]:
    inject = ["-e", fault.word] if fault is not None else []
    return ["strace", "-y", "-s", str(shown), "-o", str(log), "-e", "trace=" + ",".join(f"?{name}" for name in WATCHED), *inject]


class Tracer:
    """strace, attached to the first thread of a process that waits to be let go. Ends with that process."""

    def __init__(self, pid: int, log: Path, fault: Fault | None = None, shown: int = 0) -> None:
        self._popen = subprocess.Popen(
            [*_options(log, fault, shown), "-p", str(pid)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + SECONDS
        while _tracer_of(pid) != self._popen.pid:
            if self._popen.poll() is not None:
                raise RuntimeError(f"strace ended before it was attached: {self._popen.communicate()[1]}")
            if time.monotonic() > deadline:
                raise RuntimeError("strace did not attach in time")
            time.sleep(0.0005)

    def ended(self) -> None:
        """Wait until it has written everything."""
        self._popen.communicate(timeout=SECONDS)


def _tracer_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("TracerPid:")[2].split(maxsplit=1)[0])


def traced(command: Sequence[str], log: Path, fault: Fault | None = None) -> list[str]:
    """Give the command line that runs a command under strace from its start, with every thread and child that it makes.

    strace counts the calls of each thread apart: a fault strikes in the first thread that comes so far.
    """
    return [*_options(log, fault, 0), "-f", "--seccomp-bpf", *command]
