"""The command line: one file per command, and here the table of them and the dispatch.

The module of a command (`migrate_store` for `migrate-store`) is imported only when that command runs. It offers one of:

- `command(ctx: typer.Context, ...)`: a Typer function that returns the exit code (or None for 0). `ctx.obj` is the folder of
  `--workspace` as a Path, or None.
- `app`: a `typer.Typer` for a command with sub-commands, each such a function.
- `run(args: list[str], workspace: Path | None) -> int`: for a command that has to start faster than Typer can be imported.

A command that can't go on raises `koma.core.errors.KomaError`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from koma.core.errors import UsageError

TYPE_CHECKING = False  # `typing` itself costs start-up time
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType
    from typing import Any

COMMANDS: Mapping[str, str] = {
    "init": "make a new workspace, with templates and a commented sample",
    "new": "first draft of a character, from a folder of pictures",
    "run": "the daemon; with --once, work until nothing is left and stop",
    "check": "specs, references and templates, without a backend",
    "plan": "what would happen, why, and how many GPU minutes",
    "explain": "the full story of one target, and what to do about it",
    "status": "phases, pass rates, queue, and the shots that need a person",
    "review": "approve, reject, retake or hold, as documents",
    "calibrate": "propose thresholds from what people approved and rejected",
    "reproduce": "render a receipt again and compare",
    "qualify": "try every template out on your server, and time it",
    "template": "check, show, import, add and upgrade templates",
    "measure": "measure files with the metrics of the gates",
    "models": "which models the learned metrics need, and add one",
    "gc": "delete files that nothing needs any more",
    "backup": "copy state, receipts and objects into a folder",
    "restore": "bring a backup back",
    "migrate-store": "copy what Koma remembers into a database, or back into a file",
    "doctor": "check the workspace, the machine and the backends",
    "schema": "write the JSON Schemas of the specs",
    "pause": "finish what is running, then start nothing new",
    "resume": "go on after a pause",
    "retry": "try stalled targets again",
    "cancel": "take a target out of the queue, or stop its render",
    "events": "what happened, as it happens",
    "signatures": "record a ComfyUI server's node signatures",
}

_USAGE = "usage: koma [--workspace DIR] COMMAND [ARGUMENTS]"


def dispatch(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code. Raises KomaError."""
    workspace, args = _split_workspace(argv)
    if not args or args[0] in {"--help", "-h", "help"}:
        sys.stdout.write(overview())
        return 0
    name, *rest = args
    if name not in COMMANDS:
        from koma.core.hints import did_you_mean

        hint = did_you_mean(name, COMMANDS) or "koma --help   (lists the commands)"
        raise UsageError(f"there is no command `{name}`", hint)
    module = import_module(f"koma.cli.{name.replace('-', '_')}")
    run: Callable[[list[str], Path | None], int] | None = getattr(module, "run", None)
    return run(rest, workspace) if run is not None else _run_typer(name, module, rest, workspace)


def overview() -> str:
    """Every command with one line about it."""
    width = max(len(name) for name in COMMANDS)
    lines = [f"  {name:<{width}}  {about}" for name, about in COMMANDS.items()]
    options = [
        "  --workspace DIR  the folder that holds koma.yaml (otherwise: here, or the nearest one above)",
        "  --version        print the version",
        "  --help           this list; `koma COMMAND --help` for one command",
    ]
    return "\n".join([_USAGE, "", "commands:", *lines, "", "options:", *options, ""])


def _split_workspace(argv: Sequence[str]) -> tuple[Path | None, list[str]]:
    """Take `--workspace DIR` out of the arguments, wherever it stands before `--`."""
    workspace: Path | None = None
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            return workspace, [*rest, word, *words]
        if word == "--workspace" or word.startswith("--workspace="):
            folder = word.partition("=")[2] or next(words, "")
            if not folder:
                raise UsageError("--workspace needs a folder", "koma --workspace DIR COMMAND")
            workspace = Path(folder)
        else:
            rest.append(word)
    return workspace, rest


def _run_typer(name: str, module: ModuleType, args: list[str], workspace: Path | None) -> int:
    import typer
    from typer.main import get_command

    app: Any = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name)(module.command)
    try:
        result = get_command(app).main(args, prog_name=f"koma {name}", standalone_mode=False, obj=workspace)
    except typer.TyperException as error:
        said = error.format_message().replace("Value error, ", "")  # the words of a library that checks values
        where = getattr(error, "ctx", None)
        raise UsageError(said, f"{where.command_path if where else f'koma {name}'} --help", exit_code=error.exit_code) from None
    except typer.Abort:
        raise KeyboardInterrupt from None
    return result if isinstance(result, int) else 0
