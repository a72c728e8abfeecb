"""Canonical JSON (RFC 8785) restricted to integers, strings, booleans, lists and objects.

Signed bytes are stored and forwarded as received, so a reader only has to answer one question:
is this the one canonical spelling of what it says? Floats and null have no place on the wire.

msgspec's sorted encoding is that spelling byte for byte and takes a twentieth of the time, unless
characters beyond the basic plane occur: RFC 8785 sorts keys by UTF-16 units, msgspec by UTF-8.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, TypeVar

import msgspec
import rfc8785

from sync.protocol.errors import LimitExceeded, Malformed
from sync.protocol.limits import JSON_DEPTH_MAX

T = TypeVar("T")
INTEGER_MAX = 2**53 - 1
_SORTED = msgspec.json.Encoder(order="sorted")
USUAL_DEPTH = 4


def _of_depth(depth: int) -> Any:
    integer = Annotated[int, msgspec.Meta(ge=-INTEGER_MAX, le=INTEGER_MAX)]
    if depth == 0:
        return integer | str | bool
    inner = _of_depth(depth - 1)
    return integer | str | bool | list[inner] | dict[str, inner]  # type: ignore[valid-type]


_USUAL = msgspec.json.Decoder(dict[str, _of_depth(USUAL_DEPTH)])  # type: ignore[misc]
_TEXT = frozenset((str, bool))
_KEYS = frozenset((str,))


def dumps(value: Any) -> bytes:
    """Return the canonical bytes of a builtin value or a msgspec struct.

    Raises: Malformed for floats, nulls, integers beyond 2^53 and text that is not NFC.
    """
    builtin = msgspec.to_builtins(value)
    _check(builtin)
    return _spell(builtin)


def loads(raw: bytes, *, bytes_max: int) -> Any:
    """Return the builtin value of canonical bytes.

    Bounds: `bytes_max`, `limits.JSON_DEPTH_MAX`.
    Raises: LimitExceeded, Malformed (also when the bytes are valid JSON but not canonical).
    """
    if len(raw) > bytes_max:
        raise LimitExceeded(f"{len(raw)} bytes, at most {bytes_max}")
    value = _usual(raw)
    if value is None:
        try:
            value = msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise Malformed("not JSON") from error
        _check(value)
    if _spell(value) != raw:
        raise Malformed("not canonical JSON")
    return value


def _usual(raw: bytes) -> Any:
    """Return the value of an object that is no deeper than most, checked while it is read.

    None for any other, to be looked at closely.
    """
    try:
        return _USUAL.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


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
    """Return the canonical bytes of what `_check` let pass. Raises: Malformed."""
    try:
        raw = _SORTED.encode(value)
        if not raw.isascii():
            if _has_beyond_basic_plane(raw):
                raw = rfc8785.dumps(value)
            _check_text(raw)
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise Malformed(str(error)) from error
    return raw


def _has_beyond_basic_plane(raw: bytes) -> bool:
    """Look for their first bytes one by one, which takes less than for any of them."""
    return b"\xf0" in raw or b"\xf1" in raw or b"\xf2" in raw or b"\xf3" in raw or b"\xf4" in raw


def _check_text(raw: bytes) -> None:
    """Check the spelled whole at once: no character composes with the quotation mark before it."""
    if not unicodedata.is_normalized("NFC", raw.decode()):
        raise Malformed("text is not NFC")


def _check(value: Any) -> None:
    """Check types, integers and depth, level by level. Raises: LimitExceeded, Malformed."""
    level = [[value]]
    for _ in range(JSON_DEPTH_MAX + 1):
        level = _check_level(level)
        if not any(level):
            return
    raise LimitExceeded("nested too deeply")


def _check_level(level: list[list[Any]]) -> list[list[Any]]:
    """Check the scalars of these containers and return the containers one level deeper."""
    deeper: list[list[Any]] = []
    for parts in level:
        if _TEXT.issuperset(map(type, parts)):
            continue  # the usual case, without a step of its own for each
        for part in parts:
            kind = type(part)
            if kind is str or kind is bool:
                continue
            if kind is int:
                if not -INTEGER_MAX <= part <= INTEGER_MAX:
                    raise Malformed("integer beyond 2^53")
            elif kind is dict:
                if not _KEYS.issuperset(map(type, part)):
                    raise Malformed("object keys must be strings")
                deeper.append(list(part.values()))
            elif kind is list:
                deeper.append(part)
            else:
                raise Malformed(f"{kind.__name__} has no place on the wire")
    return deeper
