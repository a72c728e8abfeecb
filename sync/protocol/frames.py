"""Frames: [type u8][encoding u8][length u32][crc32 u32][payload], big-endian, after a magic.

A frame of unknown type is passed over by its length. Encoding 0 is plain, 1 zstd without a
dictionary, n >= 2 zstd with shared dictionary n-1; 128 is added where an EVENTS payload stands by
columns. Whatever the encoding, a frame decodes to the same payload. The check sum covers type,
encoding and length too, so that a damaged type is not taken for an unknown one; it tells damage on
the way (ask again) from a false signature (refuse).
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sync.protocol import columns, compression, versions
from sync.protocol.columns import Parts
from sync.protocol.compression import Packing
from sync.protocol.envelope import Event
from sync.protocol.errors import FrameDamaged, LimitExceeded, Malformed
from sync.protocol.limits import (
    FRAME_BYTES_MAX,
    FRAME_BYTES_TARGET,
    FRAME_DECODED_BYTES_MAX,
    FRAME_PLAIN_BYTES_MIN,
    FRAME_PLAIN_BYTES_TARGET,
    ROUND_FRAMES_MAX,
    SEQUENCE_MAX,
    STATEMENTS_PER_FRAME_MAX,
)

MAGIC = b"YZR"
MAGIC_BYTES = len(MAGIC) + 1
"""The magic and the version of the layout."""

HELLO = 1
ANSWER = 2
STATEMENTS = 3
EVENTS = 4
BLOB = 5
BUNDLE_FACTS = 6
"""Canonical JSON of `bundles.BundleFacts`; first inside a file."""
COMPARE = 7
"""Canonical JSON list of `bodies.AuthorDigest`, sent when link digests differ."""
END = 255
KNOWN_TYPES = frozenset({HELLO, ANSWER, STATEMENTS, EVENTS, BLOB, BUNDLE_FACTS, COMPARE, END})

PLAIN = 0
ZSTD = 1
BY_COLUMNS = 0x80
NO_DICTIONARY = Packing()
_HEAD = struct.Struct(">BBI")
_CHECKSUM = struct.Struct(">I")
_EVENT_HEAD = struct.Struct(">HBB")
_BODY_LENGTH = struct.Struct(">I")
_SEQUENCE = struct.Struct(">Q")
_BLOB_HEAD = struct.Struct(">32sQQ")
_NO_BODY = 0xFFFFFFFF
_RAW_LENGTH = struct.Struct(">I")
COMPRESS_ABOVE_BYTES = 200


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


def magic(layout: int) -> bytes:
    """Return how a stream of a layout begins."""
    return MAGIC + bytes([layout])


def encode_frame(frame: Frame, packing: Packing = NO_DICTIONARY) -> bytes:
    """Return a frame's bytes, compressed where that saves something."""
    payload, encoding = frame.payload, PLAIN
    if len(payload) > COMPRESS_ABOVE_BYTES:
        packed = compression.compress(payload, packing)
        if len(packed) < len(payload):
            payload, encoding = packed, ZSTD + packing.dictionary
    if len(frame.payload) > FRAME_DECODED_BYTES_MAX:
        raise LimitExceeded("frame")
    return _framed(frame.type, encoding, payload)


def uncompressed(frame: Frame) -> bytes:
    """Return a frame's bytes as they stand without compression. Raises: LimitExceeded."""
    return _framed(frame.type, PLAIN, frame.payload)


def encode_frames(frame: Frame, packing: Packing) -> list[bytes]:
    """Return a frame as it is sent: events by columns where the neighbour reads them.

    Shapes: events that do not fit the target become several frames.
    """
    if frame.type == EVENTS and packing.dictionary:
        return _encode_by_columns(*decode_events(frame.payload), packing)
    return [encode_frame(frame, packing)]


def encode_stream(frames: Iterable[Frame | bytes], packing: Packing = NO_DICTIONARY) -> bytes:
    """Return a whole request, answer or file body; what is bytes is encoded already."""
    out = [magic(packing.layout)]
    for frame in frames:
        out += [frame] if isinstance(frame, bytes) else encode_frames(frame, packing)
    return b"".join(out)


def _encode_by_columns(through: int, events: list[Event], packing: Packing) -> list[bytes]:
    """Return the frames these events need, none larger than the target unless one event is.

    Of several only the last completes the sequence.
    """
    parts = columns.split(through, events, _plain_event)
    packed = compression.compress(parts.columns, packing)
    size = _RAW_LENGTH.size + len(parts.raw) + len(packed)
    if size > FRAME_BYTES_TARGET and len(events) > 1:
        half = len(events) // 2
        return [
            *_encode_by_columns(0, events[:half], packing),
            *_encode_by_columns(through, events[half:], packing),
        ]
    payload = b"".join([_RAW_LENGTH.pack(len(parts.raw)), parts.raw, packed])
    return [_framed(EVENTS, BY_COLUMNS + ZSTD + packing.dictionary, payload)]


def _framed(kind: int, encoding: int, payload: bytes) -> bytes:
    if len(payload) > FRAME_BYTES_MAX:
        raise LimitExceeded("frame")
    head = _HEAD.pack(kind, encoding, len(payload))
    return head + _CHECKSUM.pack(_checksum(head, payload)) + payload


def decode_stream(raw: bytes) -> Iterator[Frame]:
    """Yield the frames of a body one by one; a damaged or cut one ends it with an error.

    Raises: Malformed, LimitExceeded, FrameDamaged, UnsupportedVersion.
    """
    reader = StreamReader()
    reader.feed(raw)
    yield from reader.frames()
    reader.end()


class StreamReader:
    """Takes a stream as it arrives and gives its frames as soon as each is whole.

    Holds at most one frame and what was fed last.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._begun = False
        self._read = 0
        self.taken = 0
        """Bytes of the stream up to the end of the last whole frame."""

    def feed(self, data: bytes) -> None:
        """Take in what arrived."""
        self._held += data

    def frames(self) -> Iterator[Frame]:
        """Yield what is whole by now.

        Raises: Malformed, LimitExceeded, FrameDamaged, UnsupportedVersion; those before stay taken.
        """
        if not self._begun and not self._begin():
            return
        while (found := self._whole()) is not None:
            head, payload = found
            if self._read == ROUND_FRAMES_MAX:
                raise LimitExceeded("frames in a round")
            self._read += 1
            kind, encoding, _ = _HEAD.unpack(head)
            if kind in KNOWN_TYPES:
                yield Frame(kind, _decode_payload(kind, encoding, payload))

    def end(self) -> None:
        """Say that nothing more comes. Raises: FrameDamaged, Malformed (cut)."""
        if not self._begun:
            raise Malformed("not a round")
        if self._held:
            raise FrameDamaged("cut in a frame")

    def _begin(self) -> bool:
        start = bytes(self._held[:MAGIC_BYTES])
        if start[: len(MAGIC)] != MAGIC[: len(start)]:
            raise Malformed("not a round")
        if len(start) < MAGIC_BYTES:
            return False
        versions.check_layout(start[-1], "wire")
        self._take(MAGIC_BYTES)
        self._begun = True
        return True

    def _whole(self) -> tuple[bytes, bytes] | None:
        """Return head and payload of the next frame if all of it is there."""
        held, start = self._held, _HEAD.size + _CHECKSUM.size
        if len(held) < start:
            return None
        head = bytes(held[: _HEAD.size])
        (checksum,) = _CHECKSUM.unpack_from(held, _HEAD.size)
        _, _, length = _HEAD.unpack(head)
        if length > FRAME_BYTES_MAX:
            raise LimitExceeded("frame")
        if len(held) < start + length:
            return None
        payload = bytes(held[start : start + length])
        if _checksum(head, payload) != checksum:
            raise FrameDamaged("damaged frame")
        self._take(start + length)
        return head, payload

    def _take(self, count: int) -> None:
        del self._held[:count]
        self.taken += count


def _checksum(head: bytes, payload: bytes) -> int:
    return binascii.crc32(payload, binascii.crc32(head))


def _decode_payload(kind: int, encoding: int, payload: bytes) -> bytes:
    if encoding == PLAIN:
        return payload
    if encoding < BY_COLUMNS:
        return compression.decompress(payload, encoding - ZSTD)
    if kind != EVENTS or encoding == BY_COLUMNS:
        raise Malformed("columns of something else than events")
    if len(payload) < _RAW_LENGTH.size:
        raise Malformed("cut in a column")
    (length,) = _RAW_LENGTH.unpack_from(payload)
    end = _RAW_LENGTH.size + length
    if end > len(payload):
        raise Malformed("cut in a column")
    plain = compression.decompress(payload[end:], encoding - BY_COLUMNS - ZSTD)
    through, events = columns.join(Parts(payload[_RAW_LENGTH.size : end], plain), _decode_event)
    return encode_events(through, events).payload


def encode_events(through: int, events: Iterable[Event]) -> Frame:
    """Return a frame of events; `through` is the link sequence it completes (0 upwards)."""
    return Frame(EVENTS, b"".join([_SEQUENCE.pack(through), *map(_plain_event, events)]))


def _plain_event(event: Event) -> bytes:
    parts = [
        _EVENT_HEAD.pack(len(event.envelope), len(event.signature), len(event.salt)),
        event.envelope,
        event.signature,
        event.salt,
        _BODY_LENGTH.pack(_NO_BODY if event.body is None else len(event.body)),
    ]
    return b"".join(parts if event.body is None else [*parts, event.body])


def events_target(packing: Packing, room: int) -> int:
    """Return the plain size at which a sender closes a frame of events for such a neighbour.

    Units: bytes; `room` is what is left of the budget as sent. A thin link gets smaller frames.
    """
    most = FRAME_PLAIN_BYTES_TARGET if packing.dictionary else FRAME_BYTES_TARGET
    return max(min(most, 2 * room), FRAME_PLAIN_BYTES_MIN)


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
    through = _sequence(payload)
    at, events = _SEQUENCE.size, []
    while at < len(payload):
        event, at = _decode_event(payload, at)
        events.append(event)
    return through, events


def _sequence(payload: bytes) -> int:
    (through,) = _SEQUENCE.unpack_from(payload)
    if through > SEQUENCE_MAX:
        raise Malformed("a sequence beyond all numbers")
    return int(through)


def _decode_event(payload: bytes, at: int) -> tuple[Event, int]:
    envelope_at = at + _EVENT_HEAD.size
    if envelope_at > len(payload):
        raise Malformed("cut in an event")
    envelope_length, signature_length, salt_length = _EVENT_HEAD.unpack_from(payload, at)
    signature_at = envelope_at + envelope_length
    salt_at = signature_at + signature_length
    length_at = salt_at + salt_length
    body_at = length_at + _BODY_LENGTH.size
    if body_at > len(payload):
        raise Malformed("cut in an event")
    (body_length,) = _BODY_LENGTH.unpack_from(payload, length_at)
    end = body_at if body_length == _NO_BODY else body_at + body_length
    if end > len(payload):
        raise Malformed("cut in an event")
    event = Event(
        payload[envelope_at:signature_at],
        payload[signature_at:salt_at],
        payload[salt_at:length_at],
        None if body_length == _NO_BODY else payload[body_at:end],
    )
    return event, end


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
    """Return the link sequence and the encoded statements of a frame.

    Raises: Malformed, LimitExceeded.
    """
    if len(payload) < _SEQUENCE.size:
        raise Malformed("statements frame")
    through = _sequence(payload)
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
        if len(found) > STATEMENTS_PER_FRAME_MAX:
            raise LimitExceeded("statements in a frame")
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
