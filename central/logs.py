"""Logs as JSON lines to stderr: events and facts, never the message of an error.

A message may quote what a person typed; an error is logged by its class and the places it came
through. Libraries' lines keep their text and lose their tracebacks.
"""

from __future__ import annotations

import json
import logging
import sys

import structlog
from structlog.typing import EventDict, WrappedLogger


def configure() -> None:
    """Make structlog and the standard library write such lines."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_message,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLine())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _without_message(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if event.pop("exc_info", None):
        error = sys.exc_info()[1]
        if error is not None:
            event["error"], event["where"] = type(error).__name__, _where(error)
    return event


def _where(error: BaseException) -> list[str]:
    # Imported late: most commands log no error and need no web framework.
    from ui.errors import where_from

    return where_from(error)


class _JsonLine(logging.Formatter):
    """A record of a library; its traceback reduced to class and places."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {"logger": record.name, "level": record.levelname.lower()}
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            line["event"] = record.getMessage()
        else:
            line["event"] = "library_error"
            line["error"], line["where"] = type(error).__name__, _where(error)
        return json.dumps(line, ensure_ascii=False)
