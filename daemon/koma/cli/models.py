"""`koma models`: which models the learned metrics need here, and `koma models add`, which records one. Nothing is downloaded."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Answer(StrEnum):
    """Whether a licence allows commercial use."""

    YES = "yes"
    NO = "no"


@app.callback(invoke_without_command=True)
def command(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also models that no project here needs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Facts for programs.")] = False,
) -> int:
    """List the models that the projects here need: where each goes, its licence, whether it is there and is the one that was recorded.

    Exit 0 if all are there, 1 if one is not the file that was recorded or must not be used, 3 if one is missing.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    from koma.cli.modelling import list_models

    return list_models(ctx.obj, everything=everything, as_json=as_json)


@app.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the file is to be, as `koma models --all` lists it.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="ONNX or safetensors; a .pt or .pth is converted.")],
    licence: Annotated[str, typer.Option(metavar="TEXT", help="Licence of this file, if it is not the one that Koma knows of.")] = "",
    commercial: Annotated[Answer | None, typer.Option(help="Whether that licence allows commercial use.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of another file.")] = False,
) -> int:
    """Copy a model file into the models folder, and record its digest and licence."""
    from koma.cli.modelling import add_file

    answer = None if commercial is None else commercial is Answer.YES
    return add_file(ctx.obj, name, file, licence=licence.strip(), commercial=answer, replace=replace)
