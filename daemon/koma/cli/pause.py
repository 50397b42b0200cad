"""`koma pause`: leaves a wish for the daemon."""

from typing import Annotated

import typer


def command(
    ctx: typer.Context,
    after_current: Annotated[
        bool, typer.Option("--after-current", help="Take back what waits at the server already: only what renders now is finished.")
    ] = False,
) -> int:
    """Finish what is running, then start nothing new."""
    from koma.cli.pausing import run
    from koma.core.wish import Wish

    return run(ctx.obj, Wish.PAUSE_AFTER_CURRENT if after_current else Wish.PAUSE)
