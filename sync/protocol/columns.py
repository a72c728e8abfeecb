"""Events by columns: what an EVENTS payload becomes under a tight encoding, and back, to the byte.

Of an envelope only what cannot be reckoned travels: the body's hash comes from salt and body, the
stream of an opening event from its name, a position from the one before. Signatures, salts and
hexadecimal names inside bodies are random: they stand raw, ahead of what is compressed. An event
whose envelope would not come out byte for byte travels as it is.

Layout, integers big-endian unless said otherwise:
`raw length u32 | raw | zstd of (through u64 | tables length u32 | tables | numbers | texts | rest)`
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from sync.protocol.envelope import HLC_COUNTER, SALT_BYTES, Envelope, Event, body_hash
from sync.protocol.errors import LimitExceeded, Malformed
from sync.protocol.limits import FRAME_DECODED_BYTES_MAX

SIGNATURE_BYTES = 64
ALGORITHM = "ed25519"
_HEAD = struct.Struct(">QI")
_COLUMNS = 9
_SORTED = msgspec.json.Encoder(order="sorted")
_DECODER = msgspec.json.Decoder(Envelope)
_HEX = re.compile(rb"[0-9a-f]{64}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_HASH_MARK, _UUID_MARK = b"\x01", b"\x02"
_MARKS = re.compile(rb"[\x01\x02]")
"""Canonical JSON escapes control characters, so no body holds these by itself."""


class Parts(NamedTuple):
    """The two halves of a payload: `raw` does not compress, `columns` does."""

    raw: bytes
    columns: bytes


class _Tables(msgspec.Struct, array_like=True):
    """What many events of a frame share.

    Shapes: `runs` counts events by columns and events as they are, alternating, the former first;
    `logs` are (station, epoch, version).
    """

    runs: list[int]
    logs: list[tuple[str, int, int]]
    streams: list[str]
    types: list[str]
    actors: list[str]
    audiences: list[list[str]]


class _Index:
    """Values in the order of their first use."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self._at: dict[object, int] = {}

    def of(self, key: object, value: object = None) -> int:
        if key not in self._at:
            self._at[key] = len(self.values)
            self.values.append(key if value is None else value)
        return self._at[key]


def split(through: int, events: Sequence[Event], plain: Callable[[Event], bytes]) -> Parts:
    """Return a frame's events by columns; `plain` writes one that has to travel as it is."""
    logs, streams, types, actors, audiences = (_Index() for _ in range(5))
    rows: list[tuple[int, ...]] = []
    runs = [0]
    raw: list[bytes] = []
    texts: list[bytes] = []
    rest: list[bytes] = []
    last: dict[int, tuple[int, int]] = {}
    for event in events:
        envelope = _exact(event)
        by_columns = envelope is not None
        if by_columns != (len(runs) % 2 == 1):
            runs.append(0)
        runs[-1] += 1
        if envelope is None or event.body is None:
            rest.append(plain(event))
            continue
        log = logs.of((envelope.station, envelope.epoch, envelope.v))
        position, time_ms = last.get(log, (0, 0))
        at_ms, counter = divmod(envelope.hlc, HLC_COUNTER)
        last[log] = envelope.pos, at_ms
        own = envelope.stream == str(envelope.name)
        names: list[bytes] = []
        text = _HEX.sub(_pull(names), event.body)
        raw += (event.signature, event.salt, *names)
        texts.append(text)
        rows.append(
            (
                log,
                _zigzag(envelope.pos - position - 1),
                _zigzag(at_ms - time_ms),
                counter,
                0 if own else streams.of(envelope.stream) + 1,
                types.of(envelope.type),
                actors.of(envelope.actor),
                audiences.of(tuple(envelope.aud), envelope.aud) + 1 if envelope.aud else 0,
                len(text),
            )
        )
    tables = msgspec.json.encode(
        [runs, logs.values, streams.values, types.values, actors.values, audiences.values]
    )
    numbers = b"".join(_numbers(column) for column in zip(*rows, strict=True))
    head = _HEAD.pack(through, len(tables))
    return Parts(b"".join(raw), b"".join([head, tables, numbers, *texts, *rest]))


def _exact(event: Event) -> Envelope | None:
    """Return the envelope if it can be made anew byte for byte, else None."""
    if (
        event.body is None
        or len(event.signature) != SIGNATURE_BYTES
        or len(event.salt) != SALT_BYTES
        or _MARKS.search(event.body)
    ):
        return None
    try:
        envelope = _DECODER.decode(event.envelope)
        made = _SORTED.encode(envelope)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    if made != event.envelope or body_hash(event.salt, event.body) != envelope.body:
        return None
    usual = envelope.alg == ALGORITHM and min(envelope.pos, envelope.hlc, envelope.epoch) >= 0
    return envelope if usual else None


def _pull(names: list[bytes]) -> Callable[[re.Match[bytes]], bytes]:
    def take(found: re.Match[bytes]) -> bytes:
        text = found.group()
        names.append(bytes.fromhex(text.replace(b"-", b"").decode("ascii")))
        return _HASH_MARK if len(text) == 2 * hashlib.sha256().digest_size else _UUID_MARK

    return take


def _zigzag(number: int) -> int:
    return number * 2 if number >= 0 else -number * 2 - 1


def _unzigzag(number: int) -> int:
    return number // 2 if number % 2 == 0 else -(number // 2) - 1


def _numbers(column: Iterable[int]) -> bytes:
    """Return numbers in LEB128: seven bits each, the lowest first."""
    out = bytearray()
    for number in column:
        while number > 0x7F:
            out.append(number & 0x7F | 0x80)
            number >>= 7
        out.append(number)
    return bytes(out)


class _Reader:
    """Takes pieces off the front of bytes and never more than there are."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) < count:
            raise Malformed("cut in a column")
        self._at += count
        return piece

    def numbers(self, count: int) -> list[int]:
        data, at = self._data, self._at
        short = data[at : at + count]
        if len(short) == count and short.isascii():  # each number a byte of seven bits
            self._at += count
            return list(short)
        found: list[int] = []
        while len(found) < count:
            number = shift = 0
            while True:
                if at >= len(data) or shift > 63:
                    raise Malformed("number in a column")
                byte = data[at]
                at += 1
                number |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            found.append(number)
        self._at = at
        return found

    def left(self) -> bytes:
        return self._data[self._at :]


def join(parts: Parts, plain: Callable[[bytes, int], tuple[Event, int]]) -> tuple[int, list[Event]]:
    """Return the link sequence and the events `split` was given.

    Shapes: `plain` reads one event that stands as it is, from an offset.
    Bounds: `limits.FRAME_DECODED_BYTES_MAX` for what the events come to.
    Raises: Malformed, LimitExceeded.
    """
    reader, raw = _Reader(parts.columns), _Reader(parts.raw)
    through, size = _HEAD.unpack(reader.take(_HEAD.size))
    try:
        tables = msgspec.json.decode(reader.take(size), type=_Tables)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Malformed("tables of a frame") from error
    if any(count < 0 for count in tables.runs):
        raise Malformed("runs of a frame")
    count = sum(tables.runs[0::2])
    columns = [reader.numbers(count) for _ in range(_COLUMNS)]
    rows = iter(list(zip(*columns, strict=True)))
    texts = iter([reader.take(length) for length in columns[-1]])
    made = _Maker(tables, raw)
    rest, at = reader.left(), 0
    events: list[Event] = []
    for number, run in enumerate(tables.runs):
        for _ in range(run):
            if number % 2 == 0:
                event = made.event(next(rows), next(texts))
            else:
                event, at = plain(rest, at)
            events.append(event)
    if at != len(rest) or raw.left():
        raise Malformed("more than the columns say")
    return through, events


class _Maker:
    """Makes envelopes anew, in order: positions and times follow from the event before."""

    def __init__(self, tables: _Tables, raw: _Reader) -> None:
        self._tables = tables
        self._raw = raw
        self._last: dict[int, tuple[int, int]] = {}
        self._size = 0

    def event(self, row: tuple[int, ...], text: bytes) -> Event:
        log, position, time_ms, counter, stream, kind, actor, audience, _ = row
        tables = self._tables
        before, before_ms = self._last.get(log, (0, 0))
        at, at_ms = before + 1 + _unzigzag(position), before_ms + _unzigzag(time_ms)
        self._last[log] = at, at_ms
        signature, salt = self._raw.take(SIGNATURE_BYTES), self._raw.take(SALT_BYTES)
        body = _MARKS.sub(self._name, text)
        try:
            station, epoch, version = tables.logs[log]
            envelope = _SORTED.encode(
                Envelope(
                    v=version,
                    alg=ALGORITHM,
                    station=station,
                    epoch=epoch,
                    pos=at,
                    hlc=at_ms * HLC_COUNTER + counter,
                    stream=tables.streams[stream - 1] if stream else f"{station}/{epoch}/{at}",
                    type=tables.types[kind],
                    actor=tables.actors[actor],
                    body=body_hash(salt, body),
                    aud=tables.audiences[audience - 1] if audience else [],
                )
            )
        except (IndexError, msgspec.MsgspecError, OverflowError, UnicodeError) as error:
            raise Malformed("row of a frame") from error
        self._size += len(envelope) + len(body)
        if self._size > FRAME_DECODED_BYTES_MAX:
            raise LimitExceeded("frame decodes to too much")
        return Event(envelope, signature, salt, body)

    def _name(self, mark: re.Match[bytes]) -> bytes:
        if mark.group() == _HASH_MARK:
            return self._raw.take(hashlib.sha256().digest_size).hex().encode("ascii")
        text = self._raw.take(16).hex()
        parts = (text[:8], text[8:12], text[12:16], text[16:20], text[20:])
        return "-".join(parts).encode("ascii")
