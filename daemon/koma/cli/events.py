"""`koma events`: what happened, from the event log, as it happens with --follow."""

import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from koma.core.errors import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_POLL_SECONDS = 0.25
_OWN = ("format_version", "event", "at")


def command(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on each line.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more; what is older only with --since.")] = False,
    since: Annotated[str, typer.Option(metavar="WHEN", help="Not older than 30m, 12h, 7d, or 2026-11-21T20:00.")] = "",
) -> int:
    """Print domain events, oldest first."""
    from koma.app.workspace import App
    from koma.telemetry.eventlog import follow as tail
    from koma.telemetry.eventlog import history

    with App.open(ctx.obj) as app:
        path = app.config.paths.events
        start = since_when(since, app.clock.now()) if since else 0.0
        events = tail(path, _wait, from_start=bool(since)) if follow else history(path)
        for line in _lines(_newer(events, start), as_json=as_json):
            sys.stdout.write(f"{line}\n")
            if follow:
                sys.stdout.flush()
    return 0


def since_when(text: str, now: float) -> float:
    """Epoch seconds of `30m`, `12h`, `7d` ago, or of a local date and time. Raises UsageError."""
    ago = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", text)
    if ago:
        return now - float(ago[1]) * _UNITS[ago[2]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise UsageError(f"--since can't be {text!r}", "30m, 12h, 7d, or a date and time: 2026-11-21T20:00") from None


def _wait() -> bool:
    time.sleep(_POLL_SECONDS)
    return True


def _newer(events: Iterable[Mapping[str, Any]], start: float) -> Iterator[Mapping[str, Any]]:
    return (event for event in events if event.get("at", 0.0) >= start)


def _lines(events: Iterable[Mapping[str, Any]], *, as_json: bool) -> Iterator[str]:
    import json

    for event in events:
        yield json.dumps(event, separators=(",", ":")) if as_json else line_of(event)


def line_of(event: Mapping[str, Any]) -> str:
    """One event for people: time, name, target, then its other fields."""
    from koma.cli.printing import moment
    from koma.core.shown import printable

    rest = [f"{name}={value}" for name, value in event.items() if name not in (*_OWN, "target") and value not in ("", None, [], {})]
    return printable("  ".join(filter(None, [moment(event.get("at", 0.0)), str(event.get("event", "")), event.get("target", ""), *rest])))
