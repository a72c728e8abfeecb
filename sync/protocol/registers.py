"""Registers: shelves, editions, the signed manifest and the logical root.

An edition is base packs + a chain of deltas, all immutable and named by hash, under one manifest
signed by the authority. Whichever way the data came, the Merkle root over the entries' canonical
bytes in key order must come out as the manifest says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
import zstandard

from sync.protocol import canonical
from sync.protocol.errors import LimitExceeded, Malformed
from sync.protocol.limits import (
    ENVELOPE_BYTES_MAX,
    PACK_BYTES_MAX,
    PACK_DECODED_BYTES_MAX,
    SHELF_ENTRIES_MAX,
    STATEMENT_BYTES_MAX,
)

PACK_FORMAT_ROWS = 1
"""Pack format 1: zstd of canonical [key, entry] lines. Column packs take the next number."""
PACK_LEVEL = 19
PACK_WINDOW_BYTES_MAX = 8 * 1024 * 1024
PACK_SLICE_BYTES = 64 * 1024
PACK_LINE_BYTES_MAX = STATEMENT_BYTES_MAX + ENVELOPE_BYTES_MAX
PACK_ENTRIES = 2000
_MAGIC = b"YZP"


class Shelf(NamedTuple):
    """A register's part for one division and tier; tier `all` where tiers share one."""

    register: str
    division: str
    tier: str

    def __str__(self) -> str:
        return f"{self.register}/{self.division}/{self.tier}"

    @classmethod
    def parse(cls, text: str) -> Shelf:
        """Return the shelf written as REGISTER/DIVISION/TIER. Raises: Malformed."""
        parts = text.split("/")
        if len(parts) != 3 or not all(parts):
            raise Malformed("not a shelf name")
        return cls(*parts)


class PackRef(msgspec.Struct, frozen=True):
    """One immutable piece of an edition: its hash names it."""

    sha256: str
    bytes: int
    entries: int


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of the authority's statement about one edition of one shelf.

    Units: `edition` is the publication time in ms (greater is newer); `effective_from` a date.
    Shapes: `base` packs hold whole entries; `chain` deltas are applied in order; `profile` and
    `stale_after_ms` say when a node shall call the edition old.
    """

    v: int
    shelf: str
    edition: int
    base_edition: int
    base: list[PackRef]
    chain: list[PackRef]
    root: str
    entries: int
    schema: int
    effective_from: str
    profile: str
    stale_after_ms: int


class Entry(NamedTuple):
    """One register entry: its key and canonical bytes."""

    key: str
    raw: bytes


def merkle_root(entries: Iterable[Entry]) -> str:
    """Return the logical root, hex SHA-256, over entries in key order (RFC 9162 leaf/node tags)."""
    level = [
        hashlib.sha256(b"\0" + entry.key.encode() + b"\0" + entry.raw).digest()
        for entry in sorted(entries)
    ]
    if not level:
        return hashlib.sha256(b"").hexdigest()
    while len(level) > 1:
        pairs = [
            hashlib.sha256(b"\1" + level[i] + level[i + 1]).digest()
            for i in range(0, len(level) - 1, 2)
        ]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0].hex()


def encode_pack(entries: Iterable[Entry]) -> bytes:
    """Return one base pack of whole entries, deterministic for the same entries.

    Raises: LimitExceeded, Malformed: what no node would take is never signed.
    """
    lines = [canonical.dumps([e.key, e.raw.decode()]) for e in sorted(entries)]
    if any(len(line) > PACK_LINE_BYTES_MAX for line in lines):
        raise LimitExceeded("entry of a pack")
    plain = b"\n".join(lines)
    packed = zstandard.ZstdCompressor(level=PACK_LEVEL).compress(plain)
    raw = _MAGIC + bytes([PACK_FORMAT_ROWS]) + packed
    if len(plain) > PACK_DECODED_BYTES_MAX or len(raw) > PACK_BYTES_MAX:
        raise LimitExceeded("pack")
    return raw


def decode_pack(raw: bytes) -> list[Entry]:
    """Return the entries of a base pack. Raises: Malformed, LimitExceeded."""
    if raw[:3] != _MAGIC or raw[3:4] != bytes([PACK_FORMAT_ROWS]):
        raise Malformed("pack format")
    if len(raw) > PACK_BYTES_MAX:
        raise LimitExceeded("pack")
    return [_entry(line) for line in _lines(raw[4:])]


def _lines(packed: bytes) -> Iterator[bytes]:
    """Yield the lines of a pack slice by slice, so that a bomb never stands in memory whole."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=PACK_WINDOW_BYTES_MAX)
    reader = decompressor.stream_reader(packed)
    rest, total, count = b"", 0, 0
    try:
        while piece := reader.read(PACK_SLICE_BYTES):
            total += len(piece)
            *lines, rest = (rest + piece).split(b"\n")
            count += len(lines)
            if total > PACK_DECODED_BYTES_MAX or len(rest) > PACK_LINE_BYTES_MAX:
                raise LimitExceeded("pack")
            if count > SHELF_ENTRIES_MAX:
                raise LimitExceeded("entries in a pack")
            yield from lines
    except zstandard.ZstdError as error:
        raise Malformed("pack does not decompress") from error
    if total:
        yield rest


def _entry(line: bytes) -> Entry:
    pair = canonical.loads(line, bytes_max=PACK_LINE_BYTES_MAX)
    if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(p, str) for p in pair)):
        raise Malformed("pack line")
    return Entry(pair[0], pair[1].encode())
