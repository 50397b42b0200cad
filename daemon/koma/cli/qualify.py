"""`koma qualify [TEMPLATE]...`: render every template's sample on the user's server, and say how long it took."""

from typing import Annotated

import typer

from koma.core.words import Rendition


def command(
    ctx: typer.Context,
    templates: Annotated[list[str] | None, typer.Argument(metavar="[TEMPLATE]...", help="These only; all, if left out.")] = None,
    rendition: Annotated[Rendition, typer.Option(help="Whose parameter sets are used: draft or final.")] = Rendition.FINAL,
    checkpoint: Annotated[str, typer.Option(metavar="FILE", help="Draw with this checkpoint instead of the one in the samples.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Facts for programs.")] = False,
) -> int:
    """Try templates out on the server and compare with the reference card. Exit 0 all ran, 1 some failed, 3 some lack something."""
    from koma.cli.qualifying import Wish, run

    return run(ctx.obj, Wish(tuple(templates or ()), rendition, checkpoint), as_json=as_json)
