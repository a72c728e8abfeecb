"""A header and byte streams in one zstd frame: what packs of columns and deltas are made of.

Inside the frame: `header length u32`, the header (JSON, with the lengths of the streams as
`streams`), then the streams one after another. Lengths are checked before a stream is read.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import zstandard

from sync.protocol import pack_tables
from sync.protocol.errors import LimitExceeded, Malformed

LEVEL = 19
WINDOW_LOG = 21
"""2 MiB: what a reader must keep; a larger one gains next to nothing on packs of 2,000 entries."""
WINDOW_LOG_MIN = 10
WINDOW_BYTES_MAX = 8 * 1024 * 1024
"""Window of what some other writer made."""
SLICE_BYTES = 64 * 1024
BLOCK_BYTES_MIN = 1024
"""A stream of this size is coded in blocks of its own, by its own statistics."""
_LENGTH = struct.Struct(">I")


def pack_streams(header: Mapping[str, Any], streams: Sequence[bytes]) -> bytes:
    """Return header and streams as one zstd frame, deterministic. Raises: LimitExceeded."""
    lengths = [len(stream) for stream in streams]
    head = msgspec.json.encode({**header, "streams": lengths}, order="sorted")
    check_bounds(len(head), lengths)
    size = _LENGTH.size + len(head) + sum(lengths)
    window = min(WINDOW_LOG, max(size.bit_length(), WINDOW_LOG_MIN))
    parameters = zstandard.ZstdCompressionParameters.from_level(
        LEVEL, source_size=size, window_log=window, write_content_size=0
    )
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    parts = [packer.compress(_LENGTH.pack(len(head)) + head)]
    fresh = False
    for stream in streams:
        own = len(stream) >= BLOCK_BYTES_MIN
        if own and not fresh:
            parts.append(packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
        parts.append(packer.compress(stream))
        if own:
            parts.append(packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
        fresh = own
    return b"".join([*parts, packer.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH)])


def unpack_streams(packed: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Return header and streams. Raises: Malformed, LimitExceeded."""
    unpacker = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES_MAX)
    try:
        with unpacker.stream_reader(packed) as reader:
            (length,) = _LENGTH.unpack(_take(reader, _LENGTH.size))
            check_bounds(length, [])
            header, lengths = _header(_take(reader, length))
            streams = [_take(reader, wanted) for wanted in lengths]
            if reader.read(1):
                raise Malformed("bytes after the last stream")
    except zstandard.ZstdError as error:
        raise Malformed("does not decompress") from error
    return header, streams


def check_bounds(header: int, lengths: Sequence[int]) -> None:
    """Check sizes before anything of them is made. Raises: LimitExceeded."""
    if header > pack_tables.HEADER_BYTES_MAX or len(lengths) > pack_tables.STREAMS_MAX:
        raise LimitExceeded("header of a pack")
    if sum(lengths) > pack_tables.STREAMS_BYTES_MAX:
        raise LimitExceeded("streams of a pack")


def _header(raw: bytes) -> tuple[dict[str, Any], list[int]]:
    try:
        header = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed("header of a pack") from error
    lengths = header.get("streams") if isinstance(header, dict) else None
    if not isinstance(lengths, list) or not all(type(n) is int and n >= 0 for n in lengths):
        raise Malformed("streams of a pack")
    check_bounds(0, lengths)
    return header, lengths


def _take(reader: Any, wanted: int) -> bytes:
    """Read exactly so many bytes, slice by slice."""
    parts: list[bytes] = []
    while wanted:
        piece = reader.read(min(wanted, SLICE_BYTES))
        if not piece:
            raise Malformed("cut in a stream")
        parts.append(piece)
        wanted -= len(piece)
    return b"".join(parts)
