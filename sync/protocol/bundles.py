"""A bundle: a link's traffic in a file, for a stick or a drop folder.

    59 5A 42 01            "YZB" and the version of the format
    length u32             of the head
    head                   canonical JSON of a statement of kind `bundle`, signed by its maker;
                           its payload is the manifest
    sealed                 to the end of the file, in chunks (see `sealing`)

What is sealed is a sequence of parts, each `length u32` and a whole stream as in `frames`. The
manifest can be read and its signature checked by anybody; it names no person.
"""

from __future__ import annotations

import struct

import msgspec

from sync.protocol import canonical, statements, versions
from sync.protocol.bodies import SealedFor
from sync.protocol.errors import (
    BundleTooLarge,
    BundleTruncated,
    LimitExceeded,
    Malformed,
    NotABundle,
    UnsupportedVersion,
)
from sync.protocol.limits import (
    BUNDLE_BYTES_MAX,
    BUNDLE_HEAD_BYTES_MAX,
    BUNDLE_RANGES_MAX,
    BUNDLE_READERS_MAX,
    STATEMENT_BYTES_MAX,
)
from sync.protocol.names import check_incarnation
from sync.protocol.receipts import LogReceipt
from sync.protocol.registers import check_editions
from sync.protocol.rounds import Hole
from sync.protocol.statements import Statement

MAGIC = b"YZB"
VERSION = 1
START_BYTES = 8
"""Magic, version and length of the head."""
KIND = "bundle"
"""Kind of the statement that is a bundle's head."""
UP = "up"
DOWN = "down"
SUFFIX = ".yzb"
_LENGTH = struct.Struct(">I")


class Range(msgspec.Struct, frozen=True, array_like=True):
    """Events of one log in a bundle: beyond `after`, which its reader must hold, to `through`."""

    station: str
    epoch: int
    after: int
    through: int


class BundleManifest(msgspec.Struct, frozen=True):
    """What a bundle is, in the clear, under its maker's signature.

    Units: milliseconds, bytes. Shapes: `to` is the addressed station of a bundle down, empty on
    the way up, where every ancestor is a reader; `number` counts the bundles of this maker, way
    and addressee in the maker's `incarnation`; `plain_bytes` are the parts before sealing;
    `sealed_sha256` is over all that follows the head; `certificate` is the maker's and
    `authority` the public key that certificate goes back to.
    """

    v: int
    way: str
    station: str
    epoch: int
    incarnation: str
    to: str
    number: int
    created_ms: int
    alg: str
    salt: bytes
    readers: list[SealedFor]
    ranges: list[Range]
    events: int
    plain_bytes: int
    sealed_bytes: int
    sealed_sha256: bytes
    certificate: bytes
    authority: bytes


class Held(msgspec.Struct, frozen=True, array_like=True):
    """How far the maker holds what a node above it sent down, in that node's link sequence."""

    issuer: str
    incarnation: str
    sequence: int


class BundleFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """First frame inside a bundle: the cursors a hello or an answer would tell.

    Shapes: `station` to `number` repeat the manifest, so that nobody can put his name to sealed
    content of another; upwards `position` and `chain` are the head of the maker's own log;
    downwards `after` is the link sequence the bundle goes on from and `through` the one it
    completes, `receipts` are the maker's. One with only receipts or holes may follow the first.
    """

    v: int
    station: str
    epoch: int
    incarnation: str
    number: int
    position: int = 0
    chain: bytes = b""
    held: list[Held] = []
    editions: dict[str, int] = {}
    holes: list[Hole] = []
    receipts: list[LogReceipt] = []
    frozen: list[str] = []
    verdict: str = ""
    after: int = 0
    through: int = 0


def encode_head(head: Statement) -> bytes:
    """Return the start of the file up to where the sealed part begins. Raises: LimitExceeded."""
    raw = statements.encode(head)
    if len(raw) > BUNDLE_HEAD_BYTES_MAX:
        raise LimitExceeded("head of a bundle")
    return MAGIC + bytes([VERSION]) + _LENGTH.pack(len(raw)) + raw


def head_length(start: bytes) -> int:
    """Return the length of the head from the first `START_BYTES` of a file.

    Raises: NotABundle, UnsupportedVersion, BundleTruncated, LimitExceeded.
    """
    if start[:3] != MAGIC:
        raise NotABundle(start[:3].hex())
    if len(start) < START_BYTES:
        raise BundleTruncated("in its start")
    if start[3] != VERSION:
        raise UnsupportedVersion(f"bundle format {start[3]}")
    (length,) = _LENGTH.unpack_from(start, 4)
    if length > BUNDLE_HEAD_BYTES_MAX:
        raise LimitExceeded("head of a bundle")
    return int(length)


def decode_head(raw: bytes) -> tuple[Statement, BundleManifest]:
    """Return a head and its manifest; no signature is checked here.

    Raises: Malformed, LimitExceeded, UnsupportedVersion, BundleTooLarge.
    """
    head = canonical.load_as(raw, Statement, bytes_max=BUNDLE_HEAD_BYTES_MAX)
    if head.kind != KIND:
        raise Malformed("not the head of a bundle")
    manifest = canonical.load_as(head.payload, BundleManifest, bytes_max=STATEMENT_BYTES_MAX)
    versions.check_carried(manifest.v, "bundle")
    if manifest.way not in (UP, DOWN) or manifest.number < 1:
        raise Malformed("way or number of a bundle")
    check_incarnation(manifest.incarnation)
    if len(manifest.readers) > BUNDLE_READERS_MAX or len(manifest.ranges) > BUNDLE_RANGES_MAX:
        raise LimitExceeded("readers or ranges of a bundle")
    sizes = (manifest.plain_bytes, manifest.sealed_bytes)
    if min(sizes) < 0 or max(sizes) > BUNDLE_BYTES_MAX:
        raise BundleTooLarge(str(sizes))
    return head, manifest


def decode_facts(raw: bytes) -> BundleFacts:
    """Return the facts of a frame. Raises: Malformed, LimitExceeded."""
    facts = canonical.load_as(raw, BundleFacts, bytes_max=STATEMENT_BYTES_MAX)
    check_editions(facts.editions)
    for held in facts.held:
        check_incarnation(held.incarnation)
    return facts


def encode_part(stream: bytes) -> bytes:
    """Return one part of what is sealed."""
    return _LENGTH.pack(len(stream)) + stream


class PartReader:
    """Cuts decrypted bytes into parts as they come; holds one part at most.

    Bounds: `part_max` bytes a part.
    """

    def __init__(self, part_max: int) -> None:
        self._part_max = part_max
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the parts these bytes complete. Raises: LimitExceeded."""
        self._buffer += data
        found: list[bytes] = []
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > self._part_max:
                raise LimitExceeded("part of a bundle")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                break
            found.append(bytes(self._buffer[_LENGTH.size : end]))
            del self._buffer[:end]
        return found

    def end(self) -> None:
        """Say that no more bytes come. Raises: Malformed (in the middle of a part)."""
        if self._buffer:
            raise Malformed("a bundle ends within a part")
