"""Packs: immutable pieces of an edition's entries, in one of two formats.

Format 1 holds rows: zstd of canonical ["key","entry"] lines. Format 2 holds columns: tables as in
`pack_tables`, in `pack_streams`. A writer takes format 2 unless the entries do not come out of it
byte for byte, or come out smaller as rows; a reader takes both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import zstandard

from sync.protocol import canonical, pack_tables
from sync.protocol.errors import LimitExceeded, Malformed
from sync.protocol.limits import (
    ENVELOPE_BYTES_MAX,
    PACK_BYTES_MAX,
    PACK_DECODED_BYTES_MAX,
    SHELF_ENTRIES_MAX,
    STATEMENT_BYTES_MAX,
)
from sync.protocol.pack_reader import TableReader, object_form
from sync.protocol.pack_streams import (
    LEVEL,
    SLICE_BYTES,
    WINDOW_BYTES_MAX,
    pack_streams,
    unpack_streams,
)
from sync.protocol.pack_writer import TableWriter, shape_of
from sync.protocol.registers import Entry

ROWS = 1
COLUMNS = 2
MAGIC = b"YZP"
LINE_BYTES_MAX = STATEMENT_BYTES_MAX + ENVELOPE_BYTES_MAX
PACK_ENTRIES = 2000
SMALL_ENTRIES = 64
"""Up to so many entries rows may be the smaller; beyond it is not worth trying."""


class Pack(NamedTuple):
    """One pack as it is stored and sent, and how many entries are in it."""

    raw: bytes
    entries: int


def encode_packs(entries: Iterable[Entry]) -> list[Pack]:
    """Return whole entries as packs in order of their keys, the same for the same entries.

    Raises: LimitExceeded, Malformed: what no node would take is never signed.
    """
    whole = sorted(entries)
    return [
        pack
        for start in range(0, len(whole), PACK_ENTRIES)
        for pack in _encode_some(whole[start : start + PACK_ENTRIES])
    ]


def _encode_some(part: Sequence[Entry]) -> list[Pack]:
    """Return one pack, or two of half as many entries where one would be too large."""
    try:
        return [Pack(encode_pack(part), len(part))]
    except LimitExceeded:
        if len(part) == 1:
            raise
    middle = len(part) // 2
    return [*_encode_some(part[:middle]), *_encode_some(part[middle:])]


def encode_pack(entries: Iterable[Entry]) -> bytes:
    """Return one pack of whole entries, the same for the same entries.

    Raises: LimitExceeded, Malformed.
    """
    part = sorted(entries)
    try:
        by_columns = encode_columns(part)
    except LimitExceeded:
        if len(part) > 1:
            raise
        by_columns = None
    if by_columns is None:
        return encode_rows(part)
    if len(part) > SMALL_ENTRIES:
        return by_columns
    return min(by_columns, encode_rows(part), key=len)


def encode_rows(part: Sequence[Entry]) -> bytes:
    """Return sorted entries as a pack of rows. Raises: LimitExceeded, Malformed."""
    lines = [canonical.dumps([e.key, e.raw.decode()]) for e in part]
    if any(len(line) > LINE_BYTES_MAX for line in lines):
        raise LimitExceeded("entry of a pack")
    plain = b"\n".join(lines)
    raw = MAGIC + bytes([ROWS]) + zstandard.ZstdCompressor(level=LEVEL).compress(plain)
    if len(plain) > PACK_DECODED_BYTES_MAX or len(raw) > PACK_BYTES_MAX:
        raise LimitExceeded("pack")
    return raw


def encode_columns(part: Sequence[Entry]) -> bytes | None:
    """Return sorted entries as a pack of columns, None where reading it would give other bytes.

    Raises: LimitExceeded.
    """
    try:
        raw = MAGIC + bytes([COLUMNS]) + _write_columns(part)
        same = list(read_pack(raw)) == list(part)
    except (Malformed, msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    return raw if same else None


def _write_columns(part: Sequence[Entry]) -> bytes:
    values = [msgspec.json.decode(entry.raw) for entry in part]
    writer = TableWriter()
    header: dict[str, Any] = {"entries": len(part)}
    fields = _key_fields(part, values)
    if fields:
        header |= {"fields": fields, "table": writer.objects(values)}
    else:
        header |= {"keys": writer.table([entry.key for entry in part])}
        header |= {"table": writer.table(values)}
    return pack_streams(header, writer.streams)


def _key_fields(part: Sequence[Entry], values: Sequence[Any]) -> list[str]:
    """Return the fields whose texts, joined by a slash, are every entry's key; none if none are."""
    shapes = {shape_of(value) for value in values}
    (shape,) = shapes if len(shapes) == 1 else ((),)
    if not isinstance(shape, tuple) or not shape:
        return []
    fields: list[str] = []
    for at, text in enumerate(part[0].key.split("/")):
        same = [key for key in shape if values[0][key] == text]
        for entry, value in zip(part, values, strict=True):
            parts = entry.key.split("/")
            same = [key for key in same if parts[at : at + 1] == [value[key]]]
        if not same:
            return []
        fields.append(same[0])
    return fields


def read_pack(raw: bytes) -> Iterator[Entry]:
    """Yield the entries of a pack as they are made. Raises: Malformed, LimitExceeded."""
    if len(raw) > PACK_BYTES_MAX:
        raise LimitExceeded("pack")
    if raw[:4] == MAGIC + bytes([ROWS]):
        return (_entry(line) for line in _lines(raw[4:]))
    if raw[:4] == MAGIC + bytes([COLUMNS]):
        return _bounded(_read_columns(raw[4:]))
    raise Malformed("pack format")


def _bounded(entries: Iterator[Entry]) -> Iterator[Entry]:
    total = 0
    for entry in entries:
        total += len(entry.raw)
        if len(entry.raw) > STATEMENT_BYTES_MAX or total > pack_tables.ROWS_BYTES_MAX:
            raise LimitExceeded("entries of a pack")
        yield entry


def _read_columns(packed: bytes) -> Iterator[Entry]:
    header, streams = unpack_streams(packed)
    count, table = header.get("entries"), header.get("table")
    if type(count) is not int or not 0 <= count <= SHELF_ENTRIES_MAX:
        raise LimitExceeded("entries in a pack")
    reader = TableReader(streams)
    del streams
    if "fields" in header:
        yield from _keyed_by_fields(reader, table, count, header["fields"])
        return
    keys = reader.rows(header.get("keys"), count)
    rows = reader.rows(table, count)
    reader.end()
    for key, raw in zip(keys.fragments, rows.fragments, strict=True):
        yield Entry(_text(key), raw)


def _keyed_by_fields(reader: TableReader, table: Any, count: int, fields: Any) -> Iterator[Entry]:
    names, found = reader.columns_of(table, count)
    reader.end()
    if not isinstance(fields, list) or not fields or not all(f in names for f in fields):
        raise Malformed("fields of the key")
    places = [names.index(field) for field in fields]
    form = object_form(names)
    for row in zip(*(rows.fragments for rows in found), strict=True):
        key = b"/".join([row[at][1:-1] for at in places])
        yield Entry(_text(b'"%b"' % key), form % row)


def _text(fragment: bytes) -> str:
    try:
        return msgspec.json.decode(fragment, type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed("key of an entry") from error


def _lines(packed: bytes) -> Iterator[bytes]:
    """Yield the lines of a pack of rows slice by slice, so that a bomb never stands whole."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES_MAX)
    reader = decompressor.stream_reader(packed)
    rest, total, count = b"", 0, 0
    try:
        while piece := reader.read(SLICE_BYTES):
            total += len(piece)
            *lines, rest = (rest + piece).split(b"\n")
            count += len(lines)
            if total > PACK_DECODED_BYTES_MAX or len(rest) > LINE_BYTES_MAX:
                raise LimitExceeded("pack")
            if count > SHELF_ENTRIES_MAX:
                raise LimitExceeded("entries in a pack")
            yield from lines
    except zstandard.ZstdError as error:
        raise Malformed("pack does not decompress") from error
    if total:
        yield rest


def _entry(line: bytes) -> Entry:
    pair = canonical.loads(line, bytes_max=LINE_BYTES_MAX)
    if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(p, str) for p in pair)):
        raise Malformed("pack line")
    return Entry(pair[0], pair[1].encode())
