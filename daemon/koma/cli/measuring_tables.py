"""`koma measure --specimens` and `--consistency`: what the metrics are worth, measured anew on clips and pictures drawn for that."""

from collections.abc import Sequence
from pathlib import Path

from koma.cli.measuring_against import comparison
from koma.cli.printing import print_json, print_lines, say
from koma.core.errors import UsageError
from koma.core.hints import did_you_mean
from koma.core.metrics import METRICS
from koma.measures.specimens import consistency


def print_consistency(workspace: Path | None, metrics: Sequence[str], *, as_json: bool) -> int:
    """Measure and print how well each identity metric tells drawn characters apart; learned ones where their models are."""
    known = (*consistency.IDENTITY, consistency.CONTROL)
    for metric in metrics:
        if metric not in known:
            raise UsageError(f"{metric!r} compares with nobody", did_you_mean(metric, known) or f"one of {', '.join(known)}")
    here = comparison(workspace, (), "")
    say("drawing the cast and measuring it, which takes a while")
    rows = consistency.table(metrics or known, here.models, here.device)
    if as_json:
        print_json({"table": "consistency", "rows": consistency.to_json(rows)})
    else:
        print_lines([consistency.markdown(rows).rstrip()])
    return 0


def print_specimens(metrics: Sequence[str], *, as_json: bool) -> int:
    """Measure and print which fault which metric sees."""
    raise NotImplementedError
