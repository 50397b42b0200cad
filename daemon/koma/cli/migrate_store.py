"""`koma migrate-store`: everything that Koma remembers, from a file into a database or back."""

from typing import Annotated

import typer


def command(
    ctx: typer.Context,
    to: Annotated[str, typer.Option("--to", metavar="STORE", help="`postgresql://host:5432/database?user=koma`, or `sqlite`.")],
) -> None:
    """Copy the store into another one, which must be empty. Nothing is rendered again. The password comes from PGPASSWORD or ~/.pgpass."""
    from koma.app.migrating import migrate
    from koma.app.workspace import App
    from koma.core.store_address import without_password

    with App.open(ctx.obj) as app:
        moved = migrate(app.config, to, app.clock)
        said = ", ".join(f"{number} {table}" for table, number in moved.counts.items())
        typer.echo(f"copied {said}; read back, they are the same (digest {moved.digest[:16]})")
        typer.echo(f"the old store stays as it was. To use the new one, write in koma.yaml:\n  store: {without_password(to)}")
