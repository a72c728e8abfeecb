"""Makes a screenshot smaller by giving it a palette; standard library only.

Reads what Chromium writes (8 bits per channel, RGB or RGBA, not interlaced) and nothing else.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS_MAX = 256
_CHANNELS = {2: 3, 6: 4}


def with_palette(png: bytes) -> bytes:
    """The same picture in its 256 most frequent colours. Raises: ValueError (not such a PNG)."""
    chunks = dict(_chunks(png))
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if depth != 8 or kind not in _CHANNELS or interlaced:
        raise ValueError("not an 8 bit RGB or RGBA picture")
    rows = _rows(zlib.decompress(chunks[b"IDAT"]), width, _CHANNELS[kind])
    pixels = [[row[i : i + 3] for i in range(0, len(row), _CHANNELS[kind])] for row in rows]
    frequency = Counter(pixel for row in pixels for pixel in row)
    palette = [colour for colour, _ in frequency.most_common(COLOURS_MAX)]
    index = {colour: number for number, colour in enumerate(palette)}
    index.update({c: index[_nearest(c, palette)] for c in frequency.keys() - index.keys()})
    packed = b"".join(b"\0" + bytes(index[pixel] for pixel in row) for row in pixels)
    return b"".join(
        (
            SIGNATURE,
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", b"".join(palette)),
            _chunk(b"IDAT", zlib.compress(packed, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _nearest(colour: bytes, palette: list[bytes]) -> bytes:
    return min(palette, key=lambda c: sum((a - b) ** 2 for a, b in zip(c, colour, strict=True)))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks by kind, all IDAT as one."""
    if not png.startswith(SIGNATURE):
        raise ValueError("not a PNG")
    place, data = len(SIGNATURE), b""
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        kind = png[place + 4 : place + 8]
        content = png[place + 8 : place + 8 + length]
        if kind == b"IDAT":
            data += content
        else:
            yield kind, content
        place += length + 12
    yield b"IDAT", data


def _rows(raw: bytes, width: int, channels: int) -> Iterator[bytes]:
    """The rows with their filters undone."""
    size = width * channels
    before = bytearray(size)
    for start in range(0, len(raw), size + 1):
        row = bytearray(raw[start + 1 : start + 1 + size])
        _undo(raw[start], row, before, channels)
        yield bytes(row)
        before = row


def _undo(filtered: int, row: bytearray, above: bytearray, channels: int) -> None:
    for i in range(len(row) if filtered else 0):
        left = row[i - channels] if i >= channels else 0
        corner = above[i - channels] if i >= channels else 0
        if filtered == 1:
            guess = left
        elif filtered == 2:
            guess = above[i]
        elif filtered == 3:
            guess = (left + above[i]) // 2
        else:
            guess = _paeth(left, above[i], corner)
        row[i] = (row[i] + guess) & 0xFF


def _paeth(left: int, above: int, corner: int) -> int:
    estimate = left + above - corner
    far_left, far_above = abs(estimate - left), abs(estimate - above)
    far_corner = abs(estimate - corner)
    if far_left <= far_above and far_left <= far_corner:
        return left
    return above if far_above <= far_corner else corner


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
