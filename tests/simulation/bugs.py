"""Seeded protocol bugs: small patches of the engine the simulator must catch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Run with one bug planted."""
    yield
