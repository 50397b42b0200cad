"""`koma explain TARGET`: the full story of one target, and what to do about it."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A target id, or enough of one to name it alone.")],
    rendition: Annotated[str, typer.Option(metavar="NAME", help="animatic, draft or final, instead of the one in koma.yaml.")] = "",
    bundle: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Pack graph, receipts, gates, logs and events into this .zip.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Facts for programs.")] = False,
) -> int:
    """How a target stands and why, what it is made from and where that is written, every take, and what a person can do."""
    from koma.cli.explaining import run

    return run(ctx.obj, target, rendition, bundle, as_json=as_json)
