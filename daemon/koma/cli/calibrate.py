"""`koma calibrate [PROJECT]`: thresholds from what people approved and rejected, as a proposal."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    ctx: typer.Context,
    project: Annotated[str, typer.Argument(metavar="[PROJECT]", help="Id of the project; needed where there are several.")] = "",
    metrics: Annotated[list[str] | None, typer.Option("--metric", metavar="ID", help="These metrics only.")] = None,
    phase: Annotated[str, typer.Option("--phase", help="Takes of this phase only: still, loop or video.")] = "",
    target: Annotated[
        float, typer.Option("--target-false-accept", metavar="SHARE", help="Share of the bad takes that may pass, 0 to 0.5.")
    ] = 0.1,
    rendition: Annotated[str, typer.Option("--rendition", help="Takes of this rendition instead of the one in koma.yaml.")] = "",
    write: Annotated[Path | None, typer.Option("--write", metavar="FILE", help="Write the proposal to a file.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace that file if it is there.")] = False,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw every ROC into a PNG file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Facts for programs.")] = False,
) -> int:
    """Find thresholds from reviews and propose a tuning document. Exit 3 if too little was reviewed."""
    from koma.cli.calibrating import Wanted, run

    return run(ctx.obj, Wanted(project, tuple(metrics or ()), phase, target, rendition, write, replace, plot), as_json=as_json)
