"""Running git so that nothing of a repository is ever executed: plumbing only, no hooks, no prompts, no locks, and a time limit.

A repository's own configuration may name commands (file monitors, hooks, filters, pagers); the commands used here read none of them.
"""

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from koma.core.problem import Place, Problem

_GRACE_SECONDS = 5.0
_SETTINGS = ("core.fsmonitor=false", f"core.hooksPath={os.devnull}", "gc.autoDetach=false", "maintenance.autoDetach=false")
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",  # a blob id names its own bytes, not a replacement's
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "LC_ALL": "C",
}
# Set inside a hook, and then they would point git at the wrong repository.
_ELSEWHERE = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_PARAMETERS",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
_OWNER = ("dubious ownership", "unsafe repository")
_TRUST = re.compile(r"git config --global --add safe\.directory .+")  # as git itself quotes it
_CREDENTIALS = re.compile(r"//[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class Git:
    """Git in one folder. `place` is where a person wrote which repository that is."""

    folder: Path
    place: Place

    def run(self, *arguments: str, data: bytes = b"", timeout: float = 30.0) -> bytes | Problem:
        """Return what a command printed, or a Problem. `timeout` in seconds."""
        command = ["git", "--no-pager", *(part for setting in _SETTINGS for part in ("-c", setting)), *arguments]
        if not self.folder.is_dir():
            return self.problem("missing-repository", f"there is no folder {self.folder}", hint="correct the path, or clone the repository")
        try:
            process = subprocess.Popen(  # noqa: S603  # fixed commands; refs and addresses are checked by the caller
                command,
                cwd=self.folder,
                env=environment(os.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # no terminal to ask on, and its helpers end with it
            )
        except FileNotFoundError:
            return self.problem("missing-git", "git is not installed", hint="install git, or set `source.mode: directory`")
        return self._finish(process, data, timeout, arguments[0])

    def problem(self, code: str, message: str, *, expected: str = "", hint: str = "") -> Problem:
        """Make a Problem at the place that names the repository, without credentials."""
        return Problem(self.place, code, without_credentials(message), expected, without_credentials(hint))

    def _finish(self, process: subprocess.Popen[bytes], data: bytes, timeout: float, name: str) -> bytes | Problem:
        with process:
            try:
                printed, complaint = process.communicate(data, timeout)
            except subprocess.TimeoutExpired:
                _end(process)
                return self.problem(
                    "git-timeout", f"git {name} did not finish within {timeout:g} s", hint="try it by hand; Koma tries again later"
                )
        return printed if process.returncode == 0 else self._failed(name, complaint.decode(errors="replace").strip())

    def _failed(self, name: str, complaint: str) -> Problem:
        if any(words in complaint for words in _OWNER):
            told = _TRUST.search(complaint)
            trust = told[0] if told else f"git config --global --add safe.directory {shlex.quote(str(self.folder))}"
            message = "the repository belongs to another user, and git does not read it"
            return self.problem("git-dubious-ownership", f"{self.folder}: {message}", hint=f"if you trust it: {trust}")
        if "not a git repository" in complaint:
            return self.problem(
                "not-a-repository", f"{self.folder} is not in a git repository", hint="run `git init` there, or correct the path"
            )
        return self.problem("git-failed", f"git {name}: {complaint or 'failed without a word'}", hint=f"run it by hand in {self.folder}")


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for git: the given one, without what points at another repository, and with what keeps it quiet."""
    return {name: value for name, value in given.items() if name not in _ELSEWHERE} | _ENVIRONMENT


def without_credentials(text: str) -> str:
    """Leave out user names and tokens of addresses."""
    return _CREDENTIALS.sub("//", text)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the whole group to end, so that git removes its lock files; then make it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.communicate(timeout=_GRACE_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
        return
