"""`koma measure FILE...`: the metrics of the gates, for any picture or clip; and the tables that show what these metrics are worth."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class JudgedAs(StrEnum):
    """What a file is held to be."""

    STILL = "still"
    LOOP = "loop"
    VIDEO = "video"


class Profile(StrEnum):
    """Rules that ship with Koma."""

    BASIC = "basic"
    STANDARD = "standard"


def command(
    ctx: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="Pictures and clips.")] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[PROJECT/]CHARACTER[:VERSION]",
            help="Compare with this character's pictures and palette; several from left to right.",
        ),
    ] = None,
    metrics: Annotated[list[str] | None, typer.Option("--metric", metavar="ID", help="These metrics only.")] = None,
    profile: Annotated[
        Profile | None, typer.Option(help="Whose rules are shown; otherwise those of the character's project, else basic.")
    ] = None,
    judged_as: Annotated[
        JudgedAs | None, typer.Option("--as", help="Judge as this; otherwise a picture as a still, a clip as a video.")
    ] = None,
    plots: Annotated[Path | None, typer.Option(metavar="DIR", help="Draw the values of every frame into this folder.")] = None,
    specimens: Annotated[bool, typer.Option("--specimens", help="Show which fault which metric sees, on clips made for that.")] = False,
    consistency: Annotated[
        bool, typer.Option("--consistency", help="Show how well each identity metric tells drawn characters apart.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Facts for programs.")] = False,
) -> int:
    """Measure files with every metric that can run here, and say what the rules would make of them. Exit 1 if one does not decode."""
    from koma.core.errors import UsageError

    if [specimens, consistency, bool(files)].count(True) != 1:
        raise UsageError("name files to measure, or one of --specimens and --consistency", "koma measure FILE...")
    idle = {"--against": against, "--metric": specimens and metrics, "--profile": profile, "--as": judged_as, "--plots": plots}
    if not files and any(idle.values()):
        option = next(name for name, value in idle.items() if value)
        raise UsageError(f"{option} says nothing about {'--specimens' if specimens else '--consistency'}", "name files, or leave it out")
    if not files:
        from koma.cli.measuring_tables import print_consistency, print_specimens

        if specimens:
            return print_specimens(as_json=as_json)
        return print_consistency(ctx.obj, metrics or (), as_json=as_json)
    from koma.cli.measuring import Wish, run

    wish = Wish(tuple(files), tuple(against or ()), tuple(metrics or ()), str(profile or ""), str(judged_as or ""), plots)
    return run(ctx.obj, wish, as_json=as_json)
