"""The second lane: a signed ask, and raw bytes in answer (DESIGN 7 lanes, 9).

An ask is `length u16`, a signed header like a hello's, then what it brings along. It is worth
nothing to another node than the one it is for, and only together with the ratchet token of the
last rounds: an ask heard on the way is dead two rounds later, whatever the clocks say.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from sync.protocol import canonical, versions
from sync.protocol.envelope import signed_message
from sync.protocol.errors import LimitExceeded, Malformed
from sync.protocol.limits import (
    BLOB_ASK_BYTES_MAX,
    BLOB_PARTS_MAX,
)

GET = "get"
"""Bytes of each part, from its offset on, at most its count."""
HAVE = "have"
"""How much of each part's blob the parent holds; offset and count are not looked at."""
PUT = "put"
"""One part whose bytes come along: they are for the parent to keep."""
DOES = frozenset({GET, HAVE, PUT})

UNKNOWN = 0
"""No event the parent holds names this blob yet, or none that came from the caller's side."""
PARTIAL = 1
WHOLE = 2
REFUSED = 3
"""Known, but not taken: too large, the case has too much, or the disk is nearly full."""
STATES = frozenset({UNKNOWN, PARTIAL, WHOLE, REFUSED})

FRESH_BYTES = 8
NOT_HERE = 0xFFFFFFFF
"""Length of a part that is not held whole here, or that the caller has no right to."""
_LENGTH = struct.Struct(">H")
_PART_LENGTH = struct.Struct(">I")
_STANDING = struct.Struct(">BQ")
PART_HEAD_BYTES = _PART_LENGTH.size
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A range of a blob: from `offset` on, `count` bytes."""

    sha256: str
    offset: int
    count: int


class Ask(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={"station": "s", "epoch": "e", "fresh": "f", "do": "k", "parts": "w"},
):
    """What a child asks of its parent on the second lane.

    Shapes: `fresh` is `freshness` of the ratchet token last received; `do` one of the constants.
    """

    v: int
    station: str
    epoch: int
    fresh: bytes
    do: str
    parts: list[Part]


def freshness(token: bytes) -> bytes:
    """Return what ties an ask to a ratchet token without giving the token away."""
    return hashlib.sha256(b"yizhan/1/blob\0" + token).digest()[:FRESH_BYTES]


def ask_message(to: str, payload: bytes) -> bytes:
    """Return what the signature of an ask covers: it is for the parent `to` alone."""
    return signed_message(f"blob/{to}", payload)


def encode_ask(header: bytes, data: bytes = b"") -> bytes:
    """Return an ask as it goes out; `header` as of `rounds.encode_header`."""
    return _LENGTH.pack(len(header)) + header + data


def split_ask(raw: bytes) -> tuple[bytes, bytes]:
    """Return (header, data) of an ask. Raises: Malformed, LimitExceeded."""
    if len(raw) < _LENGTH.size:
        raise Malformed("ask")
    (length,) = _LENGTH.unpack_from(raw)
    end = _LENGTH.size + length
    if length > BLOB_ASK_BYTES_MAX:
        raise LimitExceeded("ask")
    if len(raw) < end:
        raise Malformed("ask")
    return raw[_LENGTH.size : end], raw[end:]


def decode_ask(payload: bytes) -> Ask:
    """Return an ask. Raises: Malformed, LimitExceeded, UnsupportedVersion."""
    ask = canonical.load_as(payload, Ask, bytes_max=BLOB_ASK_BYTES_MAX)
    versions.check_neighbour(ask.v, "ask")
    if len(ask.parts) > BLOB_PARTS_MAX:
        raise LimitExceeded("parts of an ask")
    for part in ask.parts:
        if _SHA256.fullmatch(part.sha256) is None or part.offset < 0 or part.count < 0:
            raise Malformed("part of an ask")
    return ask


def part_head(length: int) -> bytes:
    """Return what goes ahead of a part's bytes in an answer."""
    return _PART_LENGTH.pack(length)


class Standing(NamedTuple):
    """How a blob stands at the parent: `state`, and how many bytes it holds from its start."""

    state: int
    held: int


def encode_standings(standings: Iterable[Standing]) -> bytes:
    """Return the answer to `have` or `put`, in the order of the parts."""
    return b"".join(_STANDING.pack(*one) for one in standings)


def decode_standings(raw: bytes, count: int) -> list[Standing]:
    """Return the standings of so many parts. Raises: Malformed."""
    if len(raw) != count * _STANDING.size:
        raise Malformed("standings")
    found = [Standing(*one) for one in _STANDING.iter_unpack(raw)]
    if any(one.state not in STATES for one in found):
        raise Malformed("state of a blob")
    return found


class Piece(NamedTuple):
    """Bytes that came for a part of an ask; `data` None says that the part is not here."""

    part: int
    offset: int
    data: bytes | None


class AnswerReader:
    """Takes an answer to `get` as it arrives, in any cut, and gives pieces of its parts."""

    def __init__(self, parts: list[Part]) -> None:
        self._parts = parts
        self._at = -1
        self._head = b""
        self._offset = 0
        self._left = 0

    def feed(self, raw: bytes) -> Iterator[Piece]:
        """Yield what these bytes bring. Raises: Malformed (more than was asked for)."""
        while raw:
            if not self._left:
                wanted = PART_HEAD_BYTES - len(self._head)
                self._head, raw = self._head + raw[:wanted], raw[wanted:]
                if len(self._head) == PART_HEAD_BYTES:
                    yield from self._begin_part()
                continue
            data, raw = raw[: self._left], raw[self._left :]
            piece = Piece(self._at, self._offset, data)
            self._offset += len(data)
            self._left -= len(data)
            yield piece

    def _begin_part(self) -> Iterator[Piece]:
        (length,) = _PART_LENGTH.unpack(self._head)
        self._head = b""
        self._at += 1
        if self._at >= len(self._parts):
            raise Malformed("more parts than asked for")
        part = self._parts[self._at]
        self._offset = part.offset
        if length == NOT_HERE:
            yield Piece(self._at, part.offset, None)
        elif length > part.count:
            raise Malformed("more bytes than asked for")
        else:
            self._left = length
