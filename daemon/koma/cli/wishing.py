"""The work behind `koma retry`, `cancel`, `pause` and `resume`: a wish in the inbox, heard by the daemon at its next pass."""

from collections.abc import Sequence
from pathlib import Path

from koma.app.workspace import App
from koma.cli.printing import count, daemon_of, named, say
from koma.core.wish import Request, Wish
from koma.sources.inbox import Inbox

_MOST = 10


def wish_for_targets(workspace: Path | None, wish: Wish, patterns: Sequence[str]) -> int:
    """Leave a wish about targets. Raises KomaError for a pattern that names none."""
    with App.open(workspace) as app:
        survey = app.surveyor.survey(app.config.rendition)
        ids = named(patterns, [target.id for target in survey.wanted.targets])
        _leave(app, Request(wish, tuple(patterns)))
        say(f"{wish}: {count(len(ids), 'target')}")
        for target_id in ids[:_MOST]:
            say(f"  {target_id}")
        if len(ids) > _MOST:
            say(f"  and {len(ids) - _MOST} more")
        _tell(app)
    return 0


def wish_for_all(workspace: Path | None, wish: Wish) -> int:
    """Leave a wish about the daemon itself."""
    with App.open(workspace) as app:
        _leave(app, Request(wish))
        _tell(app)
    return 0


def _leave(app: App, request: Request) -> None:
    Inbox(app.config.paths.inbox).leave(request)


def _tell(app: App) -> None:
    holder = daemon_of(app.config.paths.lock)
    say(f"the daemon hears it at once ({holder})" if holder else "no daemon runs here: the next `koma run` hears it")
