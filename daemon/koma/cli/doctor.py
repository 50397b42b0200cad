"""`koma doctor`: one line for each thing that has to be right, and what to do where it is not."""

from typing import Annotated

import typer


def command(
    ctx: typer.Context,
    objects: Annotated[bool, typer.Option("--objects", help="Read every object again; takes as long as reading all of them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Facts for programs.")] = False,
) -> int:
    """Check the workspace, the machine and the backends. Exit 1 if something fails; warnings are only shown."""
    from koma.cli.examining import run

    return run(ctx.obj, objects=objects, as_json=as_json)
