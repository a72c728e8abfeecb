"""Frames: [type u8][encoding u8][length u32][crc32 u32][payload], big-endian, after a magic.

A frame of unknown type is passed over by its length. Encoding 0 is plain, 1 zstd without a
dictionary, n >= 2 zstd with shared dictionary n-1. The check sum covers type, encoding and length
too, so that a damaged type is not taken for an unknown one; it tells damage on the way (ask again)
from a false signature (refuse).
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import zstandard

from sync.protocol.envelope import Event
from sync.protocol.errors import FrameDamaged, LimitExceeded, Malformed, UnsupportedVersion
from sync.protocol.limits import (
    FRAME_BYTES_MAX,
    FRAME_BYTES_TARGET,
    FRAME_DECODED_BYTES_MAX,
    PROTOCOL_VERSION,
    PROTOCOL_VERSION_MAX,
    ROUND_FRAMES_MAX,
)

MAGIC = b"YZR" + bytes([PROTOCOL_VERSION])

HELLO = 1
ANSWER = 2
STATEMENTS = 3
EVENTS = 4
BLOB = 5
BUNDLE_MANIFEST = 6
COMPARE = 7
"""Canonical JSON list of `bodies.AuthorDigest`, sent when link digests differ."""
END = 255
KNOWN_TYPES = frozenset({HELLO, ANSWER, STATEMENTS, EVENTS, BLOB, BUNDLE_MANIFEST, COMPARE, END})

PLAIN = 0
ZSTD = 1
_HEAD = struct.Struct(">BBI")
_CHECKSUM = struct.Struct(">I")
_EVENT_HEAD = struct.Struct(">HBB")
_BODY_LENGTH = struct.Struct(">I")
_SEQUENCE = struct.Struct(">Q")
_BLOB_HEAD = struct.Struct(">32sQQ")
_NO_BODY = 0xFFFFFFFF
COMPRESS_ABOVE_BYTES = 200
COMPRESS_LEVEL = 9


class Frame(NamedTuple):
    """One decoded frame."""

    type: int
    payload: bytes


class BlobPiece(NamedTuple):
    """Bytes of a blob from `offset` on, with the blob's whole size."""

    sha256: str
    size: int
    offset: int
    data: bytes


def encode_frame(frame: Frame) -> bytes:
    """Return a frame's bytes, compressed where that saves something."""
    payload, encoding = frame.payload, PLAIN
    if len(payload) > COMPRESS_ABOVE_BYTES:
        packed = zstandard.ZstdCompressor(level=COMPRESS_LEVEL).compress(payload)
        if len(packed) < len(payload):
            payload, encoding = packed, ZSTD
    if len(payload) > FRAME_BYTES_MAX or len(frame.payload) > FRAME_DECODED_BYTES_MAX:
        raise LimitExceeded("frame")
    head = _HEAD.pack(frame.type, encoding, len(payload))
    return head + _CHECKSUM.pack(_checksum(head, payload)) + payload


def encode_stream(frames: Iterable[Frame]) -> bytes:
    """Return a whole request, answer or file body."""
    return MAGIC + b"".join(encode_frame(frame) for frame in frames)


def decode_stream(raw: bytes) -> Iterator[Frame]:
    """Yield the frames of a body one by one; a damaged or cut one ends it with an error.

    Raises: Malformed, LimitExceeded, FrameDamaged, UnsupportedVersion.
    """
    if raw[:3] != MAGIC[:3]:
        raise Malformed("not a round")
    if len(raw) < len(MAGIC) or not PROTOCOL_VERSION <= raw[3] <= PROTOCOL_VERSION_MAX:
        raise UnsupportedVersion(f"wire version {raw[3:4].hex()}")
    at = len(MAGIC)
    for _ in range(ROUND_FRAMES_MAX):
        if at == len(raw):
            return
        head, at = raw[at : at + _HEAD.size], at + _HEAD.size
        if at + _CHECKSUM.size > len(raw):
            raise FrameDamaged("cut in a frame header")
        kind, encoding, length = _HEAD.unpack(head)
        (checksum,) = _CHECKSUM.unpack_from(raw, at)
        at += _CHECKSUM.size
        if length > FRAME_BYTES_MAX:
            raise LimitExceeded("frame")
        payload = raw[at : at + length]
        at += length
        if len(payload) < length or _checksum(head, payload) != checksum:
            raise FrameDamaged("cut or damaged frame")
        if kind in KNOWN_TYPES:
            yield Frame(kind, _decode_payload(encoding, payload))
    if at < len(raw):
        raise LimitExceeded("frames in a round")


def _checksum(head: bytes, payload: bytes) -> int:
    return binascii.crc32(payload, binascii.crc32(head))


def _decode_payload(encoding: int, payload: bytes) -> bytes:
    if encoding == PLAIN:
        return payload
    if encoding != ZSTD:
        raise UnsupportedVersion(f"dictionary {encoding - 1} is not known here")
    decompressor = zstandard.ZstdDecompressor(max_window_size=FRAME_DECODED_BYTES_MAX * 8)
    try:
        plain = decompressor.stream_reader(payload).read(FRAME_DECODED_BYTES_MAX + 1)
    except zstandard.ZstdError as error:
        raise FrameDamaged("frame does not decompress") from error
    if len(plain) > FRAME_DECODED_BYTES_MAX:
        raise LimitExceeded("frame decodes to too much")
    return plain


def encode_events(through: int, events: Iterable[Event]) -> Frame:
    """Return a frame of events; `through` is the link sequence it completes (0 upwards)."""
    parts = [_SEQUENCE.pack(through)]
    for event in events:
        parts.append(_EVENT_HEAD.pack(len(event.envelope), len(event.signature), len(event.salt)))
        parts += (event.envelope, event.signature, event.salt)
        parts.append(_BODY_LENGTH.pack(_NO_BODY if event.body is None else len(event.body)))
        if event.body is not None:
            parts.append(event.body)
    return Frame(EVENTS, b"".join(parts))


def event_bytes(event: Event) -> int:
    """Return what an event takes in a plain frame."""
    body = 0 if event.body is None else len(event.body)
    return len(event.envelope) + len(event.signature) + len(event.salt) + body + 8


def decode_events(payload: bytes) -> tuple[int, list[Event]]:
    """Return the link sequence and the events of a frame; each is judged later, by itself.

    Raises: Malformed.
    """
    if len(payload) < _SEQUENCE.size:
        raise Malformed("events frame")
    (through,) = _SEQUENCE.unpack_from(payload)
    at, events = _SEQUENCE.size, []
    while at < len(payload):
        event, at = _decode_event(payload, at)
        events.append(event)
    return through, events


def _decode_event(payload: bytes, at: int) -> tuple[Event, int]:
    def take(count: int) -> bytes:
        nonlocal at
        piece = payload[at : at + count]
        if len(piece) < count:
            raise Malformed("cut in an event")
        at += count
        return piece

    envelope_length, signature_length, salt_length = _EVENT_HEAD.unpack(take(_EVENT_HEAD.size))
    envelope = take(envelope_length)
    signature = take(signature_length)
    salt = take(salt_length)
    (body_length,) = _BODY_LENGTH.unpack(take(_BODY_LENGTH.size))
    if body_length == _NO_BODY:
        return Event(envelope, signature, salt, None), at
    return Event(envelope, signature, salt, take(body_length)), at


def encode_statements(through: int, statements: Iterable[bytes]) -> Frame:
    """Return a frame of encoded statements; `through` as in `encode_events`."""
    parts = [_SEQUENCE.pack(through)]
    for raw in statements:
        parts += (_BODY_LENGTH.pack(len(raw)), raw)
    return Frame(STATEMENTS, b"".join(parts))


def statement_frames(statements: Iterable[bytes], through: int = 0) -> list[Frame]:
    """Return as many frames as these statements need; the last one carries the sequence."""
    found: list[Frame] = []
    batch: list[bytes] = []
    size = 0
    for raw in statements:
        if batch and size + len(raw) > FRAME_BYTES_TARGET:
            found.append(encode_statements(0, batch))
            batch, size = [], 0
        batch.append(raw)
        size += len(raw)
    return [*found, encode_statements(through, batch)] if batch else found


def decode_statements(payload: bytes) -> tuple[int, list[bytes]]:
    """Return the link sequence and the encoded statements of a frame. Raises: Malformed."""
    if len(payload) < _SEQUENCE.size:
        raise Malformed("statements frame")
    (through,) = _SEQUENCE.unpack_from(payload)
    at, found = _SEQUENCE.size, []
    while at < len(payload):
        if at + _BODY_LENGTH.size > len(payload):
            raise Malformed("cut in a statement")
        (length,) = _BODY_LENGTH.unpack_from(payload, at)
        at += _BODY_LENGTH.size
        if at + length > len(payload):
            raise Malformed("cut in a statement")
        found.append(payload[at : at + length])
        at += length
    return through, found


def encode_blob(piece: BlobPiece) -> Frame:
    """Return a frame with a piece of a blob."""
    head = _BLOB_HEAD.pack(bytes.fromhex(piece.sha256), piece.size, piece.offset)
    return Frame(BLOB, head + piece.data)


def decode_blob(payload: bytes) -> BlobPiece:
    """Return the piece of a blob in a frame. Raises: Malformed."""
    if len(payload) < _BLOB_HEAD.size:
        raise Malformed("blob frame")
    sha, size, offset = _BLOB_HEAD.unpack_from(payload)
    return BlobPiece(sha.hex(), size, offset, payload[_BLOB_HEAD.size :])
