"""`koma cancel TARGET...`: leaves a wish for the daemon."""

from typing import Annotated

import typer


def command(
    ctx: typer.Context,
    targets: Annotated[list[str], typer.Argument(metavar="TARGET", help="An id, the beginning of one, or a pattern with * and ?.")],
) -> int:
    """Take targets out of the queue, or stop their renders. `koma retry` brings them back."""
    from koma.cli.wishing import wish_for_targets
    from koma.core.wish import Wish

    return wish_for_targets(ctx.obj, Wish.CANCEL, targets)
