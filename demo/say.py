"""Progress for the person at the terminal: Chinese lines on standard error, nothing else there."""

from __future__ import annotations

import sys

_shown = [True]


def quiet(nothing: bool) -> None:
    """Show no progress from now on, or show it again."""
    _shown[0] = not nothing


def say(line: str) -> None:
    """Show one line at once."""
    if _shown[0]:
        print(line, file=sys.stderr, flush=True)
