"""Putting a seeded bug into the production code for the length of a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Patch = tuple[Any, str, Any]
"""Where, the name there, and the wrong thing in its place."""
_active = [""]


def active() -> str:
    """Return the name of the bug planted now, empty when there is none."""
    return _active[-1]


@contextmanager
def planted(name: str, make: Callable[[], list[Patch]]) -> Iterator[None]:
    """Run a block with one bug in the production code."""
    patches = make()
    before = [(place, attribute, getattr(place, attribute)) for place, attribute, _ in patches]
    for place, attribute, wrong in patches:
        setattr(place, attribute, wrong)
    _active.append(name)
    try:
        yield
    finally:
        _active.pop()
        for place, attribute, right in before:
            setattr(place, attribute, right)
