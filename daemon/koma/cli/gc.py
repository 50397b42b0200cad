"""`koma gc`: deletes files that nothing needs any more, and old retired ones. Shows what it would delete; --yes deletes it."""

from typing import Annotated

import typer


def command(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes/--dry-run", help="Delete; otherwise it only says what it would delete.")] = False,
    older_than: Annotated[
        float | None, typer.Option(metavar="DAYS", min=0, help="Retired files go after so many days, instead of gc.retired_days.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Facts for programs.")] = False,
) -> int:
    """Delete files of takes that nothing shows, wants or remembers as recent, and what nothing names. A running daemon does it itself."""
    from koma.cli.collecting import run

    return run(ctx.obj, older_than, really=yes, as_json=as_json)
