"""`koma review`: says what a person decided about takes, targets and phases, as documents for the project."""

from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None, help="Approve, reject, retake or hold; every decision is a document.")
Targets = Annotated[list[str], typer.Argument(metavar="TARGET...", help="An id, the beginning of one, or a pattern with * and ?.")]
Subjects = Annotated[list[str], typer.Argument(metavar="TARGET...", help="Targets as above; with --phase, PROJECT or PROJECT/SCENE.")]
Take = Annotated[int | None, typer.Option("--take", min=1, help="Number of the take; else the published one, or the newest.")]
PhaseOption = Annotated[str, typer.Option("--phase", help="Decide about this phase instead of about takes.")]
Comment = Annotated[str, typer.Option("--comment", help="Why, for people.")]
By = Annotated[str, typer.Option("--by", help="Who decided; else the name of the account.")]


@app.command()
def approve(ctx: typer.Context, targets: Subjects, take: Take = None, phase: PhaseOption = "", comment: Comment = "", by: By = "") -> int:
    """Let takes count as passed and be chosen, whatever their gate says; with --phase, open what follows."""
    from koma.cli.reviewing import Wanted, decide

    return decide(ctx.obj, Wanted("approve", targets, take or 0, phase, comment, by))


@app.command()
def reject(ctx: typer.Context, targets: Subjects, take: Take = None, phase: PhaseOption = "", comment: Comment = "", by: By = "") -> int:
    """Let takes count as failed; with --phase, keep closed what follows."""
    from koma.cli.reviewing import Wanted, decide

    return decide(ctx.obj, Wanted("reject", targets, take or 0, phase, comment, by))


@app.command()
def retake(ctx: typer.Context, targets: Targets, take: Take = None, comment: Comment = "", by: By = "") -> int:
    """Make one more take, once; the one there is counts until then."""
    from koma.cli.reviewing import Wanted, decide

    return decide(ctx.obj, Wanted("retake", targets, take or 0, "", comment, by))


@app.command()
def hold(ctx: typer.Context, targets: Targets, comment: Comment = "", by: By = "") -> int:
    """Render nothing more of these targets until a later decision about them."""
    from koma.cli.reviewing import Wanted, decide

    return decide(ctx.obj, Wanted("hold", targets, 0, "", comment, by))


@app.command("list")
def list_decisions(ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Facts for programs.")] = False) -> int:
    """Show every decision, and whether it counts."""
    from koma.cli.reviewing import show

    return show(ctx.obj, as_json=as_json)
