"""`koma restore`: brings a backup back into this workspace; nothing is rendered again."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The folder that `koma backup` wrote to.")],
    at: Annotated[str, typer.Option(metavar="TIME", help="Which one: a part of its name, 20261121T1030; else the newest.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Put the present state aside first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Facts for programs.")] = False,
) -> int:
    """Bring back state, receipts, objects and outputs. The workspace needs its documents and templates, from git."""
    from koma.cli.backing import restore

    return restore(ctx.obj, folder, at, replace=replace, as_json=as_json)
