"""The front of a stream, packed: hello or answer and the statements around it, unfolded.

`layout u8 | crc32 u32 | per frame: type u8 | length u16 | payload`, and all of it unfolded
(`sync.protocol.unfolding`). The check sum is over the front as it comes out, in the place of those
of its frames.
"""

from __future__ import annotations

import binascii
import struct

from sync.protocol import frames
from sync.protocol.errors import FrameDamaged, Malformed
from sync.protocol.frames import Frame
from sync.protocol.unfolding import fold, unfold

TYPES = frozenset({frames.HELLO, frames.ANSWER, frames.STATEMENTS, frames.COMPARE})
_START = struct.Struct(">BI")
_HEAD = struct.Struct(">BH")


def pack(front: bytes, beside: bytes) -> bytes:
    """Return whole uncompressed frames behind their magic, packed.

    Shapes: `beside` is what it will be squeezed against.
    """
    out = [_START.pack(front[frames.MAGIC_BYTES - 1], binascii.crc32(front))]
    for frame in frames.decode_stream(front):
        out += (_HEAD.pack(frame.type, len(frame.payload)), frame.payload)
    return unfold(b"".join(out), beside)


def unpack(raw: bytes, *, bytes_max: int) -> bytes:
    """Return the front that was packed, byte for byte.

    Bounds: `bytes_max`. Raises: Malformed, LimitExceeded, FrameDamaged.
    """
    plain = fold(raw, bytes_max=bytes_max)
    if len(plain) < _START.size:
        raise Malformed("front of a stream")
    layout, check = _START.unpack_from(plain)
    found, at = [frames.magic(layout)], _START.size
    while at < len(plain):
        if at + _HEAD.size > len(plain):
            raise Malformed("cut in the front of a stream")
        kind, length = _HEAD.unpack_from(plain, at)
        at += _HEAD.size + length
        if at > len(plain) or kind not in TYPES:
            raise Malformed("a frame in the front of a stream")
        found.append(frames.uncompressed(Frame(kind, plain[at - length : at])))
    front = b"".join(found)
    if binascii.crc32(front) != check:
        raise FrameDamaged("damaged front")
    return front
