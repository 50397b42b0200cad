"""`koma backup`: copies what Koma made into a folder, on another disk at best; the next time only what is new."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where backups go; the same folder each time.")],
    keep: Annotated[int, typer.Option(metavar="N", min=1, help="How many backups to keep.")] = 7,
    verify: Annotated[bool, typer.Option("--verify", help="Make none; read every backup in the folder again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Facts for programs.")] = False,
) -> int:
    """Copy state, receipts and objects. A daemon may go on meanwhile. Documents, templates and references belong in git."""
    from koma.cli.backing import back_up, verify_all

    return verify_all(folder, as_json=as_json) if verify else back_up(ctx.obj, folder, keep, as_json=as_json)
