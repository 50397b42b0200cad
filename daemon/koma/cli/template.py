"""`koma template`: check, show, import, add and upgrade the templates of a workspace."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None, help="Check, show, import, add and upgrade the templates of this workspace.")
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="These only; all, if left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Facts for programs.")]


@app.command()
def check(ctx: typer.Context, names: Names = None, as_json: AsJson = False) -> int:
    """Read manifests, render samples with every set, check the graphs. Exit 1 if something is wrong."""
    from koma.cli.templating import check_templates

    return check_templates(ctx.obj, names or [], as_json=as_json)


@app.command()
def show(ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME")], as_json: AsJson = False) -> int:
    """Say what a template makes, takes and needs."""
    from koma.cli.templating import show_template

    return show_template(ctx.obj, name, as_json=as_json)


@app.command()
def add(ctx: typer.Context, names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Templates that ship with Koma.")]) -> int:
    """Copy templates that ship with Koma into this workspace."""
    from koma.cli.upgrading import add_templates

    return add_templates(ctx.obj, names)


@app.command()
def upgrade(
    ctx: typer.Context,
    names: Names = None,
    write: Annotated[bool, typer.Option("--write", help="Change the files; without it, the difference is only shown.")] = False,
) -> int:
    """Show how this workspace's templates differ from those that ship with this Koma, and take those over with --write."""
    from koma.cli.upgrading import upgrade_templates

    return upgrade_templates(ctx.obj, names or [], write=write)


@app.command("import")
def import_(
    ctx: typer.Context,
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Workflows as JSON (API or UI format), PNG pictures with one, folders.")
    ],
    name: Annotated[str, typer.Option(help="Name of the template; otherwise that of the file.")] = "",
    phase: Annotated[str, typer.Option(help="still, loop, video or finish; otherwise guessed.")] = "",
    into: Annotated[Path | None, typer.Option(metavar="DIR", help="A project that alone gets it, instead of the workspace.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite template folders of the same name.")] = False,
    as_json: AsJson = False,
) -> int:
    """Make templates of workflows, and say what could not be guessed. Exit 1 if nothing could be made of one."""
    from koma.cli.importing import Options, import_workflows

    return import_workflows(ctx.obj, paths, Options(name, phase, into, force), as_json=as_json)
