"""`koma measure --specimens` and `--consistency`: what the metrics are worth, measured anew on clips and pictures drawn for that."""

from collections.abc import Sequence
from pathlib import Path

from koma.cli.measuring_against import comparison
from koma.cli.printing import count, print_json, print_lines, say
from koma.core.errors import UsageError
from koma.core.hints import did_you_mean
from koma.measures.specimens import consistency
from koma.measures.specimens.clips import SPECIMENS
from koma.measures.specimens.table import as_json as specimens_json
from koma.measures.specimens.table import discrimination
from koma.measures.specimens.table import markdown as specimens_markdown


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


def print_specimens(*, as_json: bool) -> int:
    """Measure and print which fault which metric sees; 1 if a fault is not seen, or a clean clip does not pass."""
    say(f"drawing and measuring {count(len(SPECIMENS), 'clip')}, which takes a while")
    rows = discrimination()
    if as_json:
        print_json({"table": "specimens", "rows": specimens_json(rows)})
    else:
        print_lines([specimens_markdown(rows).rstrip()])
    return int(not all(row.right for row in rows))
