"""`koma resume`: leaves a wish for the daemon."""

import typer


def command(ctx: typer.Context) -> int:
    """Go on after a pause."""
    from koma.cli.wishing import wish_for_all
    from koma.core.wish import Wish

    return wish_for_all(ctx.obj, Wish.RESUME)
