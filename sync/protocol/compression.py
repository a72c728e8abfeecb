"""zstd as frames use it: plain, or with a dictionary both ends were shipped with.

A dictionary is a versioned constant of the wire: once released, its bytes never change. A sender
uses one only after its neighbour named it (`di` of hello and answer); version 0 is none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import zstandard

from sync.protocol import dictionary_1, versions
from sync.protocol.errors import FrameDamaged, LimitExceeded, UnsupportedVersion
from sync.protocol.limits import FRAME_DECODED_BYTES_MAX

DICTIONARIES = {1: dictionary_1.DATA}
DICTIONARY_NEWEST = max(DICTIONARIES)
WINDOW_BYTES_MAX = 8 * FRAME_DECODED_BYTES_MAX
LEVEL_QUICK = 9
"""For many children at once, and for a link that is faster than this machine compresses."""
LEVEL_TIGHT = 15
"""For the road up: of level 19 it saves all but 1 % at a third of the time."""


class Packing(NamedTuple):
    """How a sender packs for one neighbour: newest dictionary and layout both have, the effort."""

    dictionary: int = 0
    level: int = LEVEL_QUICK
    layout: int = versions.LAYOUT_OLDEST


def packing_for(announced: int, level: int, heard: int = 0) -> Packing:
    """Return the packing for a neighbour whose newest dictionary is `announced`; newer: ours.

    Shapes: `heard` is the version it speaks, 0 as long as it has not spoken.
    """
    dictionary = min(max(announced, 0), DICTIONARY_NEWEST)
    return Packing(dictionary, level, versions.layout_for(heard))


@lru_cache(maxsize=8)
def _dictionary(version: int) -> zstandard.ZstdCompressionDict:
    if version not in DICTIONARIES:
        raise UnsupportedVersion(f"dictionary {version} is not known here")
    return zstandard.ZstdCompressionDict(DICTIONARIES[version])


def compress(plain: bytes, packing: Packing) -> bytes:
    """Return one zstd frame."""
    shared = _dictionary(packing.dictionary) if packing.dictionary else None
    return zstandard.ZstdCompressor(
        level=packing.level, dict_data=shared, write_dict_id=False
    ).compress(plain)


def decompress(packed: bytes, dictionary: int) -> bytes:
    """Return the content of one zstd frame.

    Bounds: `limits.FRAME_DECODED_BYTES_MAX`.
    Raises: FrameDamaged, LimitExceeded, UnsupportedVersion (a dictionary not known here).
    """
    shared = _dictionary(dictionary) if dictionary else None
    decompressor = zstandard.ZstdDecompressor(dict_data=shared, max_window_size=WINDOW_BYTES_MAX)
    try:
        plain = decompressor.stream_reader(packed).read(FRAME_DECODED_BYTES_MAX + 1)
    except zstandard.ZstdError as error:
        raise FrameDamaged("frame does not decompress") from error
    if len(plain) > FRAME_DECODED_BYTES_MAX:
        raise LimitExceeded("frame decodes to too much")
    return plain
