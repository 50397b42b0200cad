"""One structured log line per domain event: JSON for machines, columns for a terminal."""

from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from koma.core.shown import printable
from koma.telemetry.events import Event

LEVELS = ("debug", "info", "warning", "error")
_LEVEL_OF = {
    "progress": "debug",
    "spec_problem": "warning",
    "plan_held": "warning",
    "disk_low": "warning",
    "store_away": "warning",
    "circuit_opened": "warning",
    "backend_restarted": "warning",
    "backend_restart_failed": "error",
    "backend_stuck": "error",
    "backend_down": "warning",
    "backend_busy": "warning",
    "job_retried": "warning",
    "job_fenced": "warning",
    "job_failed": "error",
}


class LogLines:
    """Writes events of `level` and above to a stream, as `json` or `console`."""

    def __init__(self, stream: TextIO, form: str, level: str) -> None:
        self._lowest = LEVELS.index(level)
        self._logger = _logger(stream, form)

    def __call__(self, event: Event) -> None:
        """Write one line, if its level is wanted."""
        level = _LEVEL_OF.get(event.name, "info")
        if LEVELS.index(level) >= self._lowest:
            getattr(self._logger, level)(event.name, at=event.at, **event.fields)

    def close(self) -> None:
        """Leave the stream to whoever opened it."""


def _logger(stream: TextIO, form: str) -> FilteringBoundLogger:
    look: Any = structlog.processors.JSONRenderer(default=str)
    if form == "console":
        look = structlog.dev.ConsoleRenderer(colors=stream.isatty())
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(stream),
        processors=[structlog.processors.add_log_level, _stamp, *([_plain] if form == "console" else []), look],
        wrapper_class=structlog.make_filtering_bound_logger(0),
        cache_logger_on_first_use=True,
    )
    return logger


def _stamp(_logger: WrappedLogger, _method: str, record: EventDict) -> EventDict:
    """Write the event's own time in the ISO form, UTC, instead of the time of writing."""
    record["timestamp"] = datetime.fromtimestamp(record.pop("at"), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return record


def _plain(_logger: WrappedLogger, _method: str, record: EventDict) -> EventDict:
    return {key: printable(value) if isinstance(value, str) else value for key, value in record.items()}
