"""Lays a table of JSON values out by columns; see `pack_tables` for what it may say.

Generic: what repeats is found by looking, never by knowing what an entry means. Deterministic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from sync.protocol import pack_tables
from sync.protocol.errors import LimitExceeded

SHARED_SHARE_MAX = 0.6
"""Values are stored once and referred to when at most this share of the rows is distinct."""
_ENCODER = msgspec.json.Encoder(order="sorted")
_HEX = frozenset(b"0123456789abcdef")
_FIXED_ROWS_MIN = 4


class TableWriter:
    """Writes one table; its streams gather in `streams`."""

    def __init__(self) -> None:
        self.streams: list[bytes] = []

    def table(self, values: Sequence[Any]) -> list[Any]:
        """Return the description of a table of builtin values. Raises: LimitExceeded."""
        if not values:
            return [pack_tables.JSON]
        fragments = [_ENCODER.encode(value) for value in values]
        counted = Counter(fragments)
        few = len(counted) == 1 or len(counted) <= len(values) * SHARED_SHARE_MAX
        if not few or len(counted) > pack_tables.NUMBER_MAX:
            return self._plain(values, fragments)
        order = sorted(counted, key=lambda fragment: (-counted[fragment], fragment))
        if len(order) > 1:
            numbers = {fragment: number for number, fragment in enumerate(order)}
            self._numbers([numbers[fragment] for fragment in fragments])
        return [pack_tables.DISTINCT, len(order), self._plain([_parse(f) for f in order], order)]

    def _plain(self, values: Sequence[Any], fragments: list[bytes]) -> list[Any]:
        shapes = {shape_of(value) for value in values}
        if len(shapes) != 1:
            return self._mixed(values, fragments, shapes)
        (shape,) = shapes
        if shape is str:
            return self._text([fragment[1:-1] for fragment in fragments])
        if shape is list:
            return self._list(values)
        if isinstance(shape, tuple) and shape:
            return self.objects(values)
        return self._lines(pack_tables.JSON, fragments)

    def _lines(self, kind: str, lines: list[bytes]) -> list[Any]:
        self.streams.append(b"\n".join(lines) + b"\n")
        return [kind]

    def _text(self, texts: list[bytes]) -> list[Any]:
        length = len(texts[0])
        fixed = length and len(texts) >= _FIXED_ROWS_MIN
        if fixed and all(len(text) == length and text.isascii() for text in texts):
            return self._fixed(texts)
        return self._lines(pack_tables.TEXT, texts)

    def _fixed(self, texts: list[bytes]) -> list[Any]:
        mask, characters, digits = "", b"", b""
        for position in zip(*texts, strict=True):
            used = set(position)
            if len(used) == 1:
                mask += pack_tables.CONSTANT
            elif len(used) > 10 and used <= _HEX:
                mask += pack_tables.NIBBLE
                digits += bytes(position)
            else:
                mask += pack_tables.CHARACTER
                characters += bytes(position)
        if pack_tables.CHARACTER in mask:
            self.streams.append(characters)
        if pack_tables.NIBBLE in mask:
            self.streams.append(bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode()))
        return [pack_tables.FIXED, texts[0].decode(), mask]

    def objects(self, values: Sequence[Any]) -> list[Any]:
        """Return the description of a table of objects that all have the first one's keys."""
        keys = sorted(values[0])
        tables = [self.table([value[key] for value in values]) for key in keys]
        return [pack_tables.OBJECT, keys, tables]

    def _list(self, values: Sequence[Any]) -> list[Any]:
        self._numbers([len(value) for value in values])
        elements = [element for value in values for element in value]
        if len(elements) > pack_tables.ELEMENTS_MAX:
            raise LimitExceeded("elements of a table")
        return [pack_tables.LIST, len(elements), self.table(elements)]

    def _mixed(self, values: Sequence[Any], fragments: list[bytes], shapes: set[Any]) -> list[Any]:
        if len(shapes) > pack_tables.SHAPES_MAX:
            return self._lines(pack_tables.JSON, fragments)
        order: list[Any] = list(dict.fromkeys(shape_of(value) for value in values))
        chosen = [order.index(shape_of(value)) for value in values]
        self._numbers(chosen)
        tables = []
        for number in range(len(order)):
            rows = [value for value, at in zip(values, chosen, strict=True) if at == number]
            tables.append([len(rows), self._plain(rows, [_ENCODER.encode(row) for row in rows])])
        return [pack_tables.MIXED, tables]

    def _numbers(self, numbers: list[int]) -> None:
        largest = max(numbers, default=0)
        if largest > pack_tables.NUMBER_MAX:
            raise LimitExceeded("number in a table")
        planes = bytes(number & 0xFF for number in numbers)
        if largest > 0xFF:
            planes += bytes(number >> 8 for number in numbers)
        self.streams.append(planes)


def _parse(fragment: bytes) -> Any:
    return msgspec.json.decode(fragment)


def shape_of(value: Any) -> Any:
    """Return what values must have in common to share columns; () is any scalar but text."""
    if isinstance(value, dict):
        return tuple(sorted(value)) if value else ()
    return type(value) if isinstance(value, (str, list)) else ()
