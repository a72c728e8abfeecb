"""Which versions of the protocol this code talks to, reads and carries.

A tree holds the releases N-2 to N+1 at once (N: what most of it runs). Two neighbours understand
each other if they are at most two versions apart: the newer one speaks the older one's layout. What
is merely carried may be three apart: the oldest hands on what the newest wrote. What was signed
long ago stays readable for ever.
"""

from __future__ import annotations

from sync.protocol.errors import PeerTooOld, UnsupportedVersion
from sync.protocol.limits import PROTOCOL_VERSION

APART_MAX = 2
"""Neighbours further apart do not talk; both ends say so."""
LAYOUT_OLDEST = max(PROTOCOL_VERSION - APART_MAX, 1)
LAYOUT_NEWEST = PROTOCOL_VERSION + 1
"""A layout is read one release before the first that writes it."""
CARRIED_NEWEST = PROTOCOL_VERSION + APART_MAX + 1


def layout_for(heard: int) -> int:
    """Return the layout to write for a neighbour that speaks version `heard` (0: not heard yet)."""
    return min(max(heard, LAYOUT_OLDEST), PROTOCOL_VERSION)


def check_layout(version: int, what: str) -> None:
    """Pass if a layout can be read here. Raises: UnsupportedVersion, PeerTooOld."""
    _check(version, LAYOUT_OLDEST, LAYOUT_NEWEST, what)


def check_neighbour(version: int, what: str) -> None:
    """Pass if whoever speaks a version at best can be talked to.

    Raises: UnsupportedVersion, PeerTooOld.
    """
    _check(version, LAYOUT_OLDEST, PROTOCOL_VERSION + APART_MAX, what)


def check_carried(version: int, what: str) -> None:
    """Pass if what is signed as of a version may be held and handed on.

    Raises: UnsupportedVersion, PeerTooOld (no version at all).
    """
    _check(version, 1, CARRIED_NEWEST, what)


def _check(version: int, oldest: int, newest: int, what: str) -> None:
    if version > newest:
        raise UnsupportedVersion(f"{what} version {version}, at most {newest}")
    if version < oldest:
        raise PeerTooOld(f"{what} version {version}, at least {oldest}")
