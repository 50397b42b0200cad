"""How the settings say that a server is looked after, as values of the core; one server is named for now."""

from koma.config import Config
from koma.config.zones import zone_of
from koma.core.hours import Hours, read_window
from koma.core.memory import Care, FreeRule
from koma.core.retry import Patience
from koma.core.supervision import Rules
from koma.core.words import DAYS, BackendKind


def care_of(config: Config) -> dict[BackendKind, Care]:
    """Say how the memory of each backend is looked after."""
    named = next(iter(config.backends), None)
    return {BackendKind.COMFYUI: Care(named.vram_limit, FreeRule(named.free))} if named is not None else {}


def rules_of(config: Config) -> dict[BackendKind, Rules]:
    """Say when each backend is restarted between jobs."""
    named = next(iter(config.backends), None)
    return {BackendKind.COMFYUI: Rules(*named.restart_after)} if named is not None else {}


def patience_of(config: Config) -> Patience:
    """Say how long a render may take."""
    named = next(iter(config.backends), None)
    return Patience(named.deadline_factor, named.no_progress_seconds, named.idle_seconds) if named is not None else Patience()


def hours_of(config: Config) -> Hours:
    """Say when no job starts."""
    days = [DAYS.index(day) for day in config.hours.days]
    windows = (read_window(text, days) for text in config.hours.quiet)
    return Hours(tuple(window for window in windows if window is not None), zone_of(config.hours.zone))
