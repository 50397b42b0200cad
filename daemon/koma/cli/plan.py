"""`koma plan [TARGET...]`: what would happen, why, and how many GPU minutes. Changes nothing."""

import sys
from pathlib import Path

from koma.core.errors import UsageError

USAGE = """usage: koma plan [TARGET...] [--exclude TARGET] [--rendition animatic|draft|final] [--json] [--all] [--detailed-exitcode]

What would happen to every target, why, and how many GPU minutes it would take. Nothing is changed.

  TARGET               a target id, the beginning of one (lantern-street/s01), or a pattern with * and ?
  --exclude TARGET     leave these out (may be given several times)
  --rendition NAME     plan this rendition instead of the one in koma.yaml
  --json               facts for programs, on standard output
  --all                list targets that are kept, too
  --detailed-exitcode  exit 2 when something would be done
"""


class Options:
    """What was asked for on the command line, parsed by hand: a plan with nothing to do costs less than an argument parser."""

    def __init__(self, args: list[str]) -> None:
        self.targets: list[str] = []
        self.excluded: list[str] = []
        self.rendition = ""
        self.json = self.all = self.detailed = self.help = False
        words = iter(args)
        for word in words:
            name, _, value = word.partition("=")
            if name in {"--exclude", "--target", "--rendition"}:
                self._take(name, value or next(words, ""))
            else:
                self._flag(word)

    def _take(self, name: str, value: str) -> None:
        if not value:
            raise UsageError(f"{name} needs a value", "koma plan --help")
        if name == "--rendition":
            self.rendition = value
        else:
            (self.excluded if name == "--exclude" else self.targets).append(value)

    def _flag(self, word: str) -> None:
        match word:
            case "--json":
                self.json = True
            case "--all":
                self.all = True
            case "--detailed-exitcode":
                self.detailed = True
            case "--help" | "-h":
                self.help = True
            case _ if word.startswith("-"):
                raise UsageError(f"koma plan has no option {word}", "koma plan --help")
            case _:
                self.targets.append(word)


def run(args: list[str], workspace: Path | None) -> int:
    """Plan, print, and return the exit code."""
    options = Options(args)
    if options.help:
        sys.stdout.write(USAGE)
        return 0
    from koma.cli import planning

    return planning.run(options, workspace)
