"""Seeded bugs of moves, and of what is judged anew."""

from __future__ import annotations

from sync.engine import gaps, routing
from tests.simulation.planting import Patch


def moved_not_derived() -> list[Patch]:
    """A station that moved stays on its old parent's list and is not on its new one's."""
    return [(routing, "derive_moved", lambda *_: [])]


def settled_not_shown() -> list[Patch]:
    """What comes to count later is never shown anew."""
    return [(routing, "take_settled", lambda *_: [])]


def gap_not_fetched() -> list[Patch]:
    """What lies before a log taken over from another parent is never asked for."""
    return [(gaps, "lacking", lambda *_: [])]
