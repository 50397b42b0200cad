"""`koma run`: the daemon; with `--once`, reconcile until nothing is left."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from koma.core.patterns import any_of

if TYPE_CHECKING:
    from koma.stores.lock import LockHeld


def command(
    ctx: typer.Context,
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="[TARGET]...", help="Work on these only: an id, the beginning of one, or a pattern.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop when nothing is left to do.")] = False,
    allow: Annotated[str, typer.Option(metavar="PLAN_DIGEST", help="Let exactly this held plan go ahead.")] = "",
    exclude: Annotated[list[str] | None, typer.Option(metavar="TARGET", help="Leave these out.")] = None,
) -> int:
    """Watch the workspace and render what changed. With --once: exit 0 all ready, 1 errors, 3 something waits for a person."""
    from koma.app.daemon import Orders, run
    from koma.app.workspace import App
    from koma.cli.printing import print_lines
    from koma.publish.durable import make_folder
    from koma.stores.lock import LockHeld, StateLock

    with App.open(ctx.obj, writes=True, settle=not once) as app:
        lock = StateLock(app.config.paths.lock, local_only=app.config.store == "sqlite")
        make_folder(app.config.paths.inbox)  # a folder that is there can be watched: the first wish wakes the daemon
        try:
            lock.acquire()
        except LockHeld as held:
            if not allow or once:
                raise
            return _leave(app.config.paths.inbox, allow, held)
        with lock:
            status, reconciler = asyncio.run(run(app, Orders(once, allow, _selects(targets or [], exclude or []), lock.check)))
    if once:
        print_lines([reconciler.summary()])
    return status


def _leave(inbox: Path, allow: str, held: "LockHeld") -> int:
    """Let the daemon that runs already do what was allowed."""
    from koma.core.wish import Request, Wish
    from koma.sources.inbox import Inbox

    Inbox(inbox).leave(Request(Wish.ALLOW, plan=allow))
    typer.echo(f"the daemon hears it at once (process {held.pid} on {held.host}); see koma status")
    return 0


def _selects(targets: list[str], excluded: list[str]) -> Callable[[str], bool] | None:
    if not targets and not excluded:
        return None
    wanted, unwanted = any_of(targets), any_of(excluded)
    return lambda name: (wanted is None or wanted(name)) and not (unwanted is not None and unwanted(name))
