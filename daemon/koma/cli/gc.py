"""`koma gc`: deletes objects that nothing needs any more, and old retired files. Shows what it would delete; --yes deletes it."""

from typing import Annotated

import typer


def command(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes/--dry-run", help="Delete; otherwise it only says what it would delete.")] = False,
    older_than: Annotated[float, typer.Option(metavar="DAYS", min=0, help="Retired files go after this many days.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Facts for programs.")] = False,
) -> int:
    """Mark what takes, jobs and receipts name; everything else that is older than a day may go."""
    from koma.cli.collecting import run

    return run(ctx.obj, older_than, delete=yes, as_json=as_json)
