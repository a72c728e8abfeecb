"""Makes rows of a table laid out by columns; see `pack_tables` for what a description may say.

Believes nothing: counts, lengths and references are checked before what they stand for is made, and
the longest row is reckoned before the first. Rows are made one at a time, as they are asked for.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO
from itertools import islice, repeat
from typing import Any, NamedTuple

from sync.protocol import pack_tables
from sync.protocol.errors import LimitExceeded, Malformed


class Rows(NamedTuple):
    """Fragments still to be made; none is longer than `longest` bytes."""

    fragments: Iterator[bytes]
    longest: int


class TableReader:
    """Reads one pack's tables from its streams, in order."""

    def __init__(self, streams: Iterable[bytes]) -> None:
        self._streams = iter(streams)
        self._shared_bytes = 0
        self._kinds: dict[str, Callable[[list[Any], int, int], Rows]] = {
            pack_tables.JSON: self._json,
            pack_tables.TEXT: self._text,
            pack_tables.FIXED: self._fixed,
            pack_tables.DISTINCT: self._distinct,
            pack_tables.OBJECT: self._object,
            pack_tables.LIST: self._list,
            pack_tables.MIXED: self._mixed,
        }

    def rows(self, table: Any, count: int, depth: int = 0) -> Rows:
        """Return the `count` rows of a table. Raises: Malformed, LimitExceeded."""
        if depth > pack_tables.DEPTH_MAX:
            raise LimitExceeded("tables nested too deeply")
        if not isinstance(table, list) or not table or not isinstance(table[0], str):
            raise Malformed("table of a pack")
        if count == 0:
            return Rows(iter(()), 0)
        read = self._kinds.get(table[0])
        if read is None:
            raise Malformed("a kind of table not known here")
        rows = read(table, count, depth + 1)
        if rows.longest > pack_tables.FRAGMENT_BYTES_MAX:
            raise LimitExceeded("row of a pack")
        return rows

    def columns_of(self, table: Any, count: int) -> tuple[list[str], list[Rows]]:
        """Return keys and columns of a table of objects. Raises: Malformed, LimitExceeded."""
        if not (isinstance(table, list) and len(table) == 3 and table[0] == pack_tables.OBJECT):
            raise Malformed("not a table of objects")
        _, keys, tables = table
        _check_keys(keys, tables)
        found = [self.rows(part, count, 1) for part in tables]
        if sum(rows.longest for rows in found) > pack_tables.FRAGMENT_BYTES_MAX:
            raise LimitExceeded("row of a pack")
        return keys, found

    def end(self) -> None:
        """Check that nothing is left over. Raises: Malformed."""
        if next(self._streams, None) is not None:
            raise Malformed("streams left over in a pack")

    def _stream(self) -> bytes:
        stream = next(self._streams, None)
        if stream is None:
            raise Malformed("a stream is missing in a pack")
        return stream

    def _lines(self, count: int) -> BytesIO:
        stream = self._stream()
        if stream.count(b"\n") != count or stream[-1:] != b"\n":
            raise Malformed("rows of a column")
        return BytesIO(stream)

    def _json(self, _table: list[Any], count: int, _depth: int) -> Rows:
        lines = self._lines(count)
        longest = max(map(len, lines))
        lines.seek(0)
        return Rows((line[:-1] for line in lines), longest)

    def _text(self, _table: list[Any], count: int, _depth: int) -> Rows:
        lines = self._lines(count)
        longest = max(map(len, lines)) + 2
        lines.seek(0)
        return Rows((b'"%b"' % line[:-1] for line in lines), longest)

    def _fixed(self, table: list[Any], count: int, _depth: int) -> Rows:
        text, mask = _fixed_parts(table)
        width = len(text)
        if width * count > pack_tables.STREAMS_BYTES_MAX:
            raise LimitExceeded("fixed texts of a pack")
        whole = bytearray(text * count)
        wanted = mask.count(pack_tables.CHARACTER) * count
        characters = self._stream() if wanted else b""
        _expect(len(characters), wanted)
        wanted = mask.count(pack_tables.NIBBLE) * count
        packed = self._stream() if wanted else b""
        _expect(len(packed), (wanted + 1) // 2)
        digits = packed.hex().encode()
        at = {pack_tables.CHARACTER: 0, pack_tables.NIBBLE: 0}
        for position, kind in enumerate(mask):
            if kind != pack_tables.CONSTANT:
                source = characters if kind == pack_tables.CHARACTER else digits
                whole[position::width] = source[at[kind] : at[kind] + count]
                at[kind] += count
        texts = bytes(whole)
        starts = range(0, width * count, width)
        return Rows((b'"%b"' % texts[start : start + width] for start in starts), width + 2)

    def _distinct(self, table: list[Any], count: int, depth: int) -> Rows:
        size, inner = _whole(table, 1), _member(table, 2)
        if not 1 <= size <= pack_tables.NUMBER_MAX:
            raise Malformed("shared parts of a pack")
        numbers = self._numbers(count) if size > 1 else repeat(0, count)
        if size > 1 and max(numbers) >= size:
            raise Malformed("a reference to a part that is not there")
        rows = self.rows(inner, size, depth)
        shared: list[bytes] = []
        for fragment in rows.fragments:
            self._shared_bytes += len(fragment)
            if self._shared_bytes > pack_tables.SHARED_BYTES_MAX:
                raise LimitExceeded("shared parts of a pack")
            shared.append(fragment)
        return Rows(map(shared.__getitem__, numbers), rows.longest)

    def _object(self, table: list[Any], count: int, depth: int) -> Rows:
        if len(table) != 3:
            raise Malformed("table of objects")
        _, keys, tables = table
        _check_keys(keys, tables)
        found = [self.rows(part, count, depth) for part in tables]
        form = object_form(keys)
        longest = len(form) + sum(rows.longest for rows in found)
        each = zip(*(rows.fragments for rows in found), strict=True)
        return Rows(map(form.__mod__, each), longest)

    def _list(self, table: list[Any], count: int, depth: int) -> Rows:
        total, inner = _whole(table, 1), _member(table, 2)
        lengths = self._numbers(count)
        if total > pack_tables.ELEMENTS_MAX:
            raise LimitExceeded("elements of a table")
        _expect(sum(lengths), total)
        rows = self.rows(inner, total, depth)
        elements = rows.fragments
        joined = (b"[%b]" % b",".join(islice(elements, length)) for length in lengths)
        return Rows(joined, 2 + max(lengths) * (rows.longest + 1))

    def _mixed(self, table: list[Any], count: int, depth: int) -> Rows:
        shapes = _member(table, 1)
        if not isinstance(shapes, list) or not 1 <= len(shapes) <= pack_tables.SHAPES_MAX:
            raise Malformed("shapes of a table")
        chosen = self._numbers(count)
        found = []
        for number, shape in enumerate(shapes):
            if not (isinstance(shape, list) and len(shape) == 2):
                raise Malformed("shape of a table")
            _expect(_whole(shape, 0), chosen.count(number))
            found.append(self.rows(shape[1], shape[0], depth))
        if max(chosen) >= len(found):
            raise Malformed("a reference to a shape that is not there")
        turns = [rows.fragments for rows in found]
        return Rows((next(turns[number]) for number in chosen), max(rows.longest for rows in found))

    def _numbers(self, count: int) -> bytes | array[int]:
        """Return numbers one to a byte, or of two planes; either way they take little memory."""
        planes = self._stream()
        if len(planes) == count:
            return planes
        _expect(len(planes), 2 * count)
        numbers = array("H", bytes(2 * count))
        view = memoryview(numbers).cast("B")
        little = sys.byteorder == "little"
        view[0::2], view[1::2] = (
            (planes[:count], planes[count:]) if little else (planes[count:], planes[:count])
        )
        return numbers


def object_form(keys: Sequence[str]) -> bytes:
    """Return the pattern that makes an object of its members' fragments, in this order."""
    members = (json.dumps(key, ensure_ascii=False).encode() for key in keys)
    return b"{%b}" % b",".join(member.replace(b"%", b"%%") + b":%b" for member in members)


def _check_keys(keys: Any, tables: Any) -> None:
    if not (isinstance(keys, list) and isinstance(tables, list) and keys):
        raise Malformed("table of objects")
    if len(keys) != len(tables) or not all(isinstance(key, str) for key in keys):
        raise Malformed("keys of a table of objects")


def _fixed_parts(table: list[Any]) -> tuple[bytes, str]:
    text, mask = _member(table, 1), _member(table, 2)
    if not (isinstance(text, str) and isinstance(mask, str) and text.isascii()):
        raise Malformed("table of fixed texts")
    if not text or len(text) != len(mask) or set(mask) - set("012"):
        raise Malformed("table of fixed texts")
    return text.encode(), mask


def _member(table: list[Any], at: int) -> Any:
    if len(table) <= at:
        raise Malformed("table of a pack")
    return table[at]


def _whole(table: list[Any], at: int) -> int:
    value = _member(table, at)
    if type(value) is not int or value < 0:
        raise Malformed("count in a pack")
    return value


def _expect(found: int, wanted: int) -> None:
    if found != wanted:
        raise Malformed("counts of a pack do not agree")
