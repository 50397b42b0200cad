"""Findings about the machine: Python, SQLite, codecs, disk, file watches, git."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from koma.stores.version import SAFE_FROM, is_safe, sqlite_version

OLDEST_PYTHON = (3, 11)
LITTLE_GB, TOO_LITTLE_GB = 20.0, 2.0
CODECS = ("libx264", "ffv1")
WATCH_LIMIT = Path("/proc/sys/fs/inotify/max_user_watches")
GIT_SECONDS = 20


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report, and what to do about it."""

    item: str
    level: Level
    message: str
    fix: str = ""


def ok(item: str, message: str) -> Finding:
    """Give a finding that all is well."""
    return Finding(item, Level.OK, message)


def warn(item: str, message: str, fix: str) -> Finding:
    """Give a finding that may become a problem."""
    return Finding(item, Level.WARN, message, fix)


def fail(item: str, message: str, fix: str) -> Finding:
    """Give a finding that stops work."""
    return Finding(item, Level.FAIL, message, fix)


def python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Look at the Python that runs this."""
    said = ".".join(map(str, version))
    if version < OLDEST_PYTHON:
        return fail("python", f"{said} is too old", f"install Python {'.'.join(map(str, OLDEST_PYTHON))} or later")
    return ok("python", f"{said} on {platform.system()}")


def sqlite() -> Finding:
    """Look at the SQLite library."""
    if is_safe():
        return ok("sqlite", sqlite_version())
    wanted = ".".join(map(str, SAFE_FROM))
    harm = "two processes that write at once could damage a WAL file; Koma has one writer, so this is safe"
    message = f"{sqlite_version()}: before {wanted}, {harm}"
    return warn("sqlite", message, f"let no other program write state.db; a Python with SQLite {wanted} settles it")


def codecs() -> Finding:
    """Look for the encoders that outputs and objects need."""
    import av

    missing = [name for name in CODECS if name not in av.codecs_available]
    if missing:
        return fail("codecs", f"PyAV has no {', '.join(missing)}", "install it from its own wheel: pip install --force-reinstall av")
    return ok("codecs", ", ".join(CODECS))


def disk(folder: Path) -> Finding:
    """Look at the free space where outputs go."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free / 1e9
    message = f"{free:.1f} GB free at {there}"
    if free < TOO_LITTLE_GB:
        return fail("disk", message, "make room; koma gc shows what may go")
    return warn("disk", message, "koma gc shows what may go") if free < LITTLE_GB else ok("disk", message)


def inotify(roots: Iterable[Path], limit_file: Path = WATCH_LIMIT) -> Finding:
    """Compare the folders to be watched with what the system allows one user."""
    folders = sum(1 + sum(len(names) for _, names, _ in os.walk(root)) for root in roots if root.is_dir())
    try:
        limit = int(limit_file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return ok("file watches", f"{folders} folders; this system names no limit")
    if folders * 2 > limit:
        return warn(
            "file watches", f"{folders} folders, and {limit} allowed for all programs", f"sysctl fs.inotify.max_user_watches={limit * 4}"
        )
    return ok("file watches", f"{folders} of {limit}")


def git(workspace: Path, repository: str, ref: str) -> Finding:
    """Look for git, and for the ref that documents are read from."""
    program = shutil.which("git")
    if program is None:
        return fail("git", "source.mode is git, and there is no git", "install git, or set source.mode: directory")
    try:
        done = _ask_git(program, workspace, repository, ref)
    except subprocess.TimeoutExpired:
        return fail("git", f"{repository} did not answer within {GIT_SECONDS} s", "look at source.repository in koma.yaml")
    if done.returncode:
        return fail(
            "git", f"{repository} has no {ref}: {done.stderr.strip()}".rstrip(": "), "correct source.repository and source.ref in koma.yaml"
        )
    return ok("git", f"{ref} of {repository} is {done.stdout.split()[0][:12]}")


def _ask_git(program: str, workspace: Path, repository: str, ref: str) -> subprocess.CompletedProcess[str]:
    """Ask for the commit of a ref, of a remote repository or one on this disk. Raises TimeoutExpired."""
    remote = "://" in repository or "@" in repository
    local = ["-C", str(workspace / repository), "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"]
    words = ["ls-remote", "--exit-code", "--", repository, ref] if remote else local
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    return subprocess.run([program, *words], capture_output=True, text=True, check=False, timeout=GIT_SECONDS, env=env)  # noqa: S603 - git, with words from koma.yaml as arguments of their own
