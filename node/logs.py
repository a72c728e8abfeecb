"""Logs as JSON lines to stderr, without personal data: events and facts, never messages of errors.

An error is logged by its class and the places it came through; its message may quote what a
person typed, so it never appears. Libraries' log lines keep their text but lose their tracebacks.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any, Final

import structlog
from structlog.typing import EventDict, WrappedLogger

from ui.errors import where_from

_LIBRARY_LEVEL: Final = logging.WARNING


def configure() -> None:
    """Make structlog and the standard library write JSON lines to stderr."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            without_message,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLine())
    logging.basicConfig(handlers=[handler], level=_LIBRARY_LEVEL, force=True)


def without_message(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put the class and the places of an error in the place of its traceback."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["where"] = where_from(error)
    return event


class _JsonLine(logging.Formatter):
    """A standard library record as a JSON line; the traceback reduced as above."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {"logger": record.name, "level": record.levelname.lower()}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line |= {"event": "library_error", "error": type(error).__name__}
            line["where"] = where_from(error)
        else:
            line["event"] = record.getMessage()
        return json.dumps(line, ensure_ascii=False)
