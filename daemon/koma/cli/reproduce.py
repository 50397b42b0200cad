"""`koma reproduce RECEIPT`: renders it again and compares. Publishes nothing."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    ctx: typer.Context,
    receipt: Annotated[Path, typer.Argument(metavar="RECEIPT", help="A *.receipt.json beside an output or in takes/.")],
    as_json: Annotated[bool, typer.Option("--json", help="Facts for programs.")] = False,
) -> int:
    """Render a receipt again on its backend and compare lossless frames. Exit 0 identical, 1 differs, 3 cannot."""
    from koma.cli.reproduction import run

    return run(ctx.obj, receipt, as_json=as_json)
