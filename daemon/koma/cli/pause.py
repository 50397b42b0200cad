"""`koma pause`: leaves a wish for the daemon."""

import typer


def command(ctx: typer.Context) -> int:
    """Finish what is running, then start nothing new."""
    from koma.cli.wishing import wish_for_all
    from koma.core.wish import Wish

    return wish_for_all(ctx.obj, Wish.PAUSE)
