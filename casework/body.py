"""Tolerant reading of event bodies: a wrong shape yields the empty value, never an exception.

Bodies come from other stations, other releases and, at worst, other hands; one bad body
must harm only what it says itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

INTEGER_MAX: Final = 2**53 - 1
"""Largest integer canonical JSON (RFC 8785) can carry."""

Body = Mapping[str, Any]
EMPTY: Final[Body] = {}


def clean(value: object) -> str:
    """The text with what UTF-8 cannot carry replaced; empty where it is no text."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode("utf-8")


def text(body: Body, key: str, default: str = "") -> str:
    """The text under the key, or the default."""
    value = body.get(key)
    return clean(value) if isinstance(value, str) else default


def integer(body: Body, key: str, default: int = 0) -> int:
    """The integer under the key, or the default; booleans are no integers here."""
    value = body.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > INTEGER_MAX:
        return default
    return value


def day(body: Body, key: str) -> str:
    """The day under the key as ISO text (YYYY-MM-DD); empty where it is none."""
    try:
        return date.fromisoformat(text(body, key)).isoformat()
    except ValueError:
        return ""


def flag(body: Body, key: str) -> bool:
    """True only for a literal true."""
    return body.get(key) is True


def texts(body: Body, key: str) -> tuple[str, ...]:
    """The texts of the list under the key, others left out."""
    value = body.get(key)
    if not isinstance(value, list):
        return ()
    return tuple(clean(item) for item in value if isinstance(item, str))


def objects(body: Body, key: str) -> tuple[Body, ...]:
    """The objects of the list under the key, others left out."""
    value = body.get(key)
    if not isinstance(value, list):
        return ()
    return tuple(item for item in value if isinstance(item, dict))


def obj(body: Body, key: str) -> Body:
    """The object under the key, or an empty one."""
    value = body.get(key)
    return value if isinstance(value, dict) else EMPTY


def text_map(body: Body, key: str) -> dict[str, str]:
    """The object under the key with its text members only."""
    return {
        clean(name): clean(value)
        for name, value in obj(body, key).items()
        if isinstance(value, str)
    }
