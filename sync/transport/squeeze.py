"""Round headers squeezed against the last ones of their link: an idle round repeats itself.

The signed headers stay whole; only their way over HTTP is shorter. After each exchange both ends
keep its two heads (what stands in a stream up to the hello or answer), and the next request names
them by a short hash. A parent that does not have them any more says so (`unknown_context`), has
taken nothing, and is sent what needs none. Files know nothing of this.

A squeezed request: `53 | name of the context (6) | length u16 | squeezed head | rest as it was`.
A squeezed answer: `53 | length u16 | squeezed head | rest`, squeezed against context and request.

Where statements stand around the head, or nothing went before, the whole front of the stream is
packed (`fronts`) and squeezed: `55` is such a request against a context, `54 | length u16 | front |
rest` one without any, and an answer to either.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import zstandard

from sync.protocol import frames
from sync.protocol.errors import Malformed, PeerProtocolError
from sync.protocol.phrases import PHRASES
from sync.transport import fronts
from sync.transport.contexts import NAME_BYTES, Contexts, name_of

MARK, MARK_FRONT, MARK_FRONT_OF_CONTEXT = b"\x53", b"\x54", b"\x55"
MARKS = (MARK, MARK_FRONT, MARK_FRONT_OF_CONTEXT)
NO_CONTEXT = b""
HEAD_BYTES_MAX = 8 * 1024
"""A longer head, one with much health or many editions, goes as it is."""
FRONT_BYTES = 2 * HEAD_BYTES_MAX
_LENGTH = struct.Struct(">H")
_LEVEL, _LEVEL_FRONT, _LEVEL_FIRST = 3, 5, 16
"""Of heads, of fronts while a link is in use, and of its first contact, which comes once."""


class UnknownContext(PeerProtocolError):
    """The parent does not hold what a request was squeezed against; nothing was taken."""

    code = "unknown_context"
    sentence = "上级重新启动过,正在重新核对。资料都在本站,没有丢失。"


class Split(NamedTuple):
    """A stream: the head with its frames uncompressed, and the rest as it stood."""

    head: bytes
    rest: bytes


def split(stream: bytes) -> Split | None:
    """Return the parts of a stream, None if its head is not there or too long to be squeezed."""
    reader, head = frames.StreamReader(), [stream[: frames.MAGIC_BYTES]]
    reader.feed(stream[:FRONT_BYTES])
    try:
        for frame in reader.frames():
            head.append(frames.uncompressed(frame))
            if frame.type in (frames.HELLO, frames.ANSWER):
                whole = b"".join(head)
                fits = len(whole) <= HEAD_BYTES_MAX
                return Split(whole, stream[reader.taken :]) if fits else None
    except PeerProtocolError:
        return None  # its reader will say what is wrong with it
    return None


def front(stream: bytes) -> Split | None:
    """Return a stream's head with the statements behind it, and the rest; None as `split`."""
    parts = split(stream)
    return None if parts is None else _with_statements(parts)


def _with_statements(parts: Split) -> Split:
    if not parts.rest or parts.rest[0] not in fronts.TYPES:
        return parts
    reader, whole, taken = frames.StreamReader(), parts.head, 0
    reader.feed(whole[: frames.MAGIC_BYTES] + parts.rest[:FRONT_BYTES])
    try:
        for frame in reader.frames():
            grown = whole + frames.uncompressed(frame)
            if frame.type not in fronts.TYPES or len(grown) > HEAD_BYTES_MAX:
                break
            whole, taken = grown, reader.taken - frames.MAGIC_BYTES
    except PeerProtocolError:
        pass  # its reader will say what is wrong with it
    return Split(whole, parts.rest[taken:])


def request(stream: bytes, context: bytes) -> bytes | None:
    """Return a request as short as it goes, None if its head cannot be squeezed.

    Shapes: `context` is one both ends hold, or `NO_CONTEXT`.
    """
    parts = split(stream)
    if parts is None:
        return None
    whole = _with_statements(parts)
    if context and whole is parts:
        return squeezed_request(parts, context)
    return front_request(whole, context)


def answer(stream: bytes, context: bytes, asked: bytes) -> bytes:
    """Return the answer to a squeezed request as short as it goes; `asked` is that one's head."""
    parts = split(stream)
    if parts is None:
        return stream
    whole = _with_statements(parts)
    if context and whole is parts:
        return squeezed_answer(parts, context + asked)
    level = _LEVEL_FRONT if context else _LEVEL_FIRST
    return front_answer(whole, context + asked, level)


def squeezed_request(parts: Split, context: bytes) -> bytes:
    """Return a request whose head is squeezed against a context both ends hold."""
    small = _squeeze(parts.head, context, _LEVEL)
    return MARK + name_of(context) + _LENGTH.pack(len(small)) + small + parts.rest


def squeezed_answer(parts: Split, context: bytes) -> bytes:
    """Return an answer whose head is squeezed against its request's context and head."""
    small = _squeeze(parts.head, context, _LEVEL)
    return MARK + _LENGTH.pack(len(small)) + small + parts.rest


def front_request(parts: Split, context: bytes) -> bytes:
    """Return a request whose front is packed and squeezed against phrases and a context, if any."""
    level = _LEVEL_FRONT if context else _LEVEL_FIRST
    small = _squeeze(fronts.pack(parts.head, context), PHRASES + context, level)
    length = _LENGTH.pack(len(small))
    if not context:
        return MARK_FRONT + length + small + parts.rest
    return MARK_FRONT_OF_CONTEXT + name_of(context) + length + small + parts.rest


def front_answer(parts: Split, context: bytes, level: int = _LEVEL_FIRST) -> bytes:
    """Return an answer whose front is packed and squeezed, likewise."""
    small = _squeeze(fronts.pack(parts.head, context), PHRASES + context, level)
    return MARK_FRONT + _LENGTH.pack(len(small)) + small + parts.rest


class Opened(NamedTuple):
    """The front of what arrived: its head, the context of a request, and where the rest begins."""

    head: bytes
    context: bytes
    rest_at: int


def open_request(raw: bytes, contexts: Contexts) -> Opened | None:
    """Return the head of a squeezed request, None as long as too little of it is there.

    Raises: UnknownContext, Malformed, LimitExceeded, FrameDamaged.
    """
    named = raw[:1] != MARK_FRONT
    start = len(MARK) + (NAME_BYTES if named else 0)
    if len(raw) < start:
        return None
    context: bytes | None = NO_CONTEXT
    if named:
        context = contexts.get(raw[len(MARK) : start])
        if context is None:
            raise UnknownContext(raw[len(MARK) : start].hex())
    return _opened(raw, start, context or NO_CONTEXT)


def open_answer(raw: bytes, context: bytes) -> Opened | None:
    """Return the head of a squeezed answer, None as long as too little of it is there.

    Raises: Malformed, LimitExceeded, FrameDamaged.
    """
    return _opened(raw, len(MARK), context)


def _opened(raw: bytes, at: int, context: bytes) -> Opened | None:
    start = at + _LENGTH.size
    if len(raw) < start:
        return None
    (length,) = _LENGTH.unpack_from(raw, at)
    if len(raw) < start + length:
        return None
    small = raw[start : start + length]
    if raw[:1] == MARK:
        head = _stretch(small, context)
    else:
        head = fronts.unpack(_stretch(small, PHRASES + context), bytes_max=HEAD_BYTES_MAX)
    return Opened(head, context, start + length)


def _dictionary(context: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(context, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _squeeze(head: bytes, context: bytes, level: int) -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(
        level,
        source_size=len(head),
        dict_size=len(context),
        format=zstandard.FORMAT_ZSTD1_MAGICLESS,
        write_content_size=0,
        write_checksum=0,
        write_dict_id=0,
    )
    return zstandard.ZstdCompressor(
        compression_params=parameters, dict_data=_dictionary(context)
    ).compress(head)


def _stretch(small: bytes, context: bytes) -> bytes:
    decompressor = zstandard.ZstdDecompressor(
        dict_data=_dictionary(context), format=zstandard.FORMAT_ZSTD1_MAGICLESS
    )
    try:
        head = decompressor.stream_reader(small).read(HEAD_BYTES_MAX + 1)
    except zstandard.ZstdError as error:
        raise Malformed("squeezed head") from error
    if len(head) > HEAD_BYTES_MAX:
        raise Malformed("squeezed head")
    return head
