"""Progress for the person at the terminal: Chinese lines on standard error, nothing else there."""

from __future__ import annotations

import sys


def say(line: str) -> None:
    """Show one line at once."""
    print(line, file=sys.stderr, flush=True)
