"""`koma check [PATH...]`: specs, references and templates, without a backend."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Form(StrEnum):
    """How Problems are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def command(
    ctx: typer.Context,
    paths: Annotated[list[Path] | None, typer.Argument(metavar="[PATH]...", help="Report on these files and folders only.")] = None,
    form: Annotated[Form, typer.Option("--format", help="github: annotations of a workflow run.")] = Form.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> int:
    """Read every document, decode every reference picture, try out every template. Exit 1 if something is wrong."""
    from koma.cli.checking import run

    return run(ctx.obj, paths or [], Form.JSON if as_json else form)
