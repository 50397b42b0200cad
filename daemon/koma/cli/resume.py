"""`koma resume`: leaves a wish for the daemon."""

import typer


def command(ctx: typer.Context) -> int:
    """Go on after a pause."""
    from koma.cli.pausing import run
    from koma.core.wish import Wish

    return run(ctx.obj, Wish.RESUME)
