"""`koma new`: first drafts of documents, as new files."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None, help="Write first drafts of documents, as new files.")


@app.callback()
def main() -> None:
    """Keep `character` a command of its own while it is the only one."""


@app.command()
def character(
    ctx: typer.Context,
    character_id: Annotated[str, typer.Argument(metavar="ID", help="What the character is called in the project.")],
    folder: Annotated[Path, typer.Option("--from", metavar="FOLDER", help="Pictures of the character; each folder in it is a version.")],
    project: Annotated[str, typer.Option(metavar="P", help="Id of the project, where there are several.")] = "",
    name: Annotated[str, typer.Option(help="Name, for people; otherwise the id.")] = "",
) -> int:
    """Write the document of a character from pictures, and copy them into references/. No file that is there is touched."""
    from koma.cli.newcharacter import new_character

    return new_character(ctx.obj, character_id, folder, project, name)
