"""Canonical JSON (RFC 8785) restricted to integers, strings, booleans, lists and objects.

Signed bytes are stored and forwarded as received, so a reader only has to answer one question:
is this the one canonical spelling of what it says? Floats and null have no place on the wire.

msgspec's sorted encoding is that spelling byte for byte and takes a twentieth of the time, unless
characters beyond the basic plane occur: RFC 8785 sorts keys by UTF-16 units, msgspec by UTF-8.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, TypeVar

import msgspec
import rfc8785

from sync.protocol.errors import LimitExceeded, Malformed
from sync.protocol.limits import JSON_DEPTH_MAX

T = TypeVar("T")
INTEGER_MAX = 2**53 - 1
_SORTED = msgspec.json.Encoder(order="sorted")
_BEYOND_BASIC_PLANE = re.compile(rb"[\xf0-\xf4]")


def dumps(value: Any) -> bytes:
    """Return the canonical bytes of a builtin value or a msgspec struct.

    Raises: Malformed for floats, nulls, integers beyond 2^53 and text that is not NFC.
    """
    builtin = msgspec.to_builtins(value)
    _check(builtin, JSON_DEPTH_MAX)
    return _spell(builtin)


def loads(raw: bytes, *, bytes_max: int) -> Any:
    """Return the builtin value of canonical bytes.

    Bounds: `bytes_max`, `limits.JSON_DEPTH_MAX`.
    Raises: LimitExceeded, Malformed (also when the bytes are valid JSON but not canonical).
    """
    if len(raw) > bytes_max:
        raise LimitExceeded(f"{len(raw)} bytes, at most {bytes_max}")
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed("not JSON") from error
    _check(value, JSON_DEPTH_MAX)
    if _spell(value) != raw:
        raise Malformed("not canonical JSON")
    return value


def load_as(raw: bytes, shape: type[T], *, bytes_max: int) -> T:
    """Return canonical bytes as a struct; fields it does not know are passed over, not lost in raw.

    Raises: LimitExceeded, Malformed.
    """
    value = loads(raw, bytes_max=bytes_max)
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise Malformed(str(error)) from error


def _spell(value: Any) -> bytes:
    """Return the canonical bytes of what `_check` let pass."""
    try:
        raw = _SORTED.encode(value)
        return rfc8785.dumps(value) if _BEYOND_BASIC_PLANE.search(raw) else raw
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise Malformed(str(error)) from error


def _check(value: Any, depth: int) -> None:
    if depth < 0:
        raise LimitExceeded("nested too deeply")
    if isinstance(value, str):
        if not value.isascii() and not unicodedata.is_normalized("NFC", value):
            raise Malformed("text is not NFC")
    elif isinstance(value, bool):
        return
    elif isinstance(value, int):
        if abs(value) > INTEGER_MAX:
            raise Malformed("integer beyond 2^53")
    elif isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                raise Malformed("object keys must be strings")
            _check(key, depth)
            _check(part, depth - 1)
    elif isinstance(value, list):
        for part in value:
            _check(part, depth - 1)
    else:
        raise Malformed(f"{type(value).__name__} has no place on the wire")
