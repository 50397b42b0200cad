"""`koma status`: how every project stands, what is in the queue, and what needs a person."""

from typing import Annotated

import typer


def command(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew every two seconds, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Facts for programs.")] = False,
) -> int:
    """Phases, pass rates, queue, time left, and the targets that need a person. Works while a daemon runs."""
    from koma.cli.standing import run

    return run(ctx.obj, watch=watch, as_json=as_json)
