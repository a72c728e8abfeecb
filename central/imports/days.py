"""Days as they stand in import files."""

from __future__ import annotations

from datetime import date


def is_day(text: str) -> bool:
    """Return whether text is a day of the calendar written YYYY-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
