"""Round headers squeezed against the last ones of their link: an idle round repeats itself.

The signed headers stay whole; only their way over HTTP is shorter. After each exchange both ends
keep its two heads (what stands in a stream up to the hello or answer), and the next request names
them by a short hash. A parent that does not have them any more says so (`unknown_context`), has
taken nothing, and is sent the whole. Files and first contacts know nothing of this.

A squeezed request: `53 | name of the context (6) | length u16 | squeezed head | rest as it was`.
A squeezed answer: `53 | length u16 | squeezed head | rest`, squeezed against context and request.
"""

from __future__ import annotations

import hashlib
import struct
import threading
from collections import OrderedDict
from typing import NamedTuple

import zstandard

from sync.protocol import frames
from sync.protocol.errors import Malformed, PeerProtocolError

MARK = b"\x53"
NAME_BYTES = 6
HEAD_BYTES_MAX = 8 * 1024
"""A longer head, one with much health or many editions, goes as it is."""
FRONT_BYTES = 2 * HEAD_BYTES_MAX
CONTEXTS_MAX = 4096
CONTEXT_BYTES_MAX = 8 * 1024 * 1024
_REQUEST = struct.Struct(f">{NAME_BYTES}sH")
_ANSWER = struct.Struct(">H")
_LEVEL = 3


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


def name_of(context: bytes) -> bytes:
    """Return the name by which a request refers to a context."""
    return hashlib.sha256(context).digest()[:NAME_BYTES]


def squeezed_request(parts: Split, context: bytes) -> bytes:
    """Return a request squeezed against a context both ends hold."""
    small = _squeeze(parts.head, context)
    return MARK + _REQUEST.pack(name_of(context), len(small)) + small + parts.rest


def squeezed_answer(parts: Split, context: bytes) -> bytes:
    """Return an answer squeezed against the context of its request and the request's head."""
    small = _squeeze(parts.head, context)
    return MARK + _ANSWER.pack(len(small)) + small + parts.rest


class Opened(NamedTuple):
    """The front of what arrived: its head, the context of a request, and where the rest begins."""

    head: bytes
    context: bytes
    rest_at: int


def open_request(raw: bytes, contexts: Contexts) -> Opened | None:
    """Return the head of a squeezed request, None as long as too little of it is there.

    Raises: UnknownContext, Malformed.
    """
    start = len(MARK) + _REQUEST.size
    if len(raw) < start:
        return None
    name, length = _REQUEST.unpack_from(raw, len(MARK))
    if len(raw) < start + length:
        return None
    context = contexts.get(name)
    if context is None:
        raise UnknownContext(name.hex())
    return Opened(_stretch(raw[start : start + length], context), context, start + length)


def open_answer(raw: bytes, context: bytes) -> Opened | None:
    """Return the head of a squeezed answer, None as long as too little of it is there.

    Raises: Malformed.
    """
    start = len(MARK) + _ANSWER.size
    if len(raw) < start:
        return None
    (length,) = _ANSWER.unpack_from(raw, len(MARK))
    if len(raw) < start + length:
        return None
    return Opened(_stretch(raw[start : start + length], context), context, start + length)


class Contexts:
    """The contexts a parent keeps for its children, the newest of them; lost with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0

    def get(self, name: bytes) -> bytes | None:
        """Return a context by its name."""
        with self._lock:
            return self._kept.get(name)

    def keep(self, context: bytes, *, instead_of: bytes = b"") -> None:
        """Keep the context of an exchange; its predecessor stays for a repeated request."""
        with self._lock:
            if self._kept.setdefault(name_of(context), context) is context:
                self._bytes += len(context)
            if instead_of and name_of(instead_of) in self._kept:
                self._kept.move_to_end(name_of(instead_of), last=False)
            while len(self._kept) > CONTEXTS_MAX or self._bytes > CONTEXT_BYTES_MAX:
                self._bytes -= len(self._kept.popitem(last=False)[1])


def _dictionary(context: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(context, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _squeeze(head: bytes, context: bytes) -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(
        _LEVEL,
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
