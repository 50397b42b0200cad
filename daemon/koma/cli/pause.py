"""`koma pause`: leaves a wish for the daemon."""

import typer


def command(ctx: typer.Context) -> int:
    """Finish what is running, then start nothing new."""
    from koma.cli.wishing import wish_for_all  # noqa: PLC0415 - start-up time of --help
    from koma.core.wish import Wish  # noqa: PLC0415

    return wish_for_all(ctx.obj, Wish.PAUSE)
