"""A second reader of a round, an answer of the second lane and a warrant, written from
docs/protocol.md alone; it shares no code with `sync`.

    python -m tests.protocol.second_reader AUTHORITY_KEY_HEX STREAM_FILE [CALLED]

prints what a request or an answer says, each signature checked. Standard library, cryptography and
zstandard only. It takes no care of limits: it is there to show that the document is enough.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import re
import struct
import sys
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

DICTIONARY = Path(__file__).parents[2] / "sync" / "protocol" / "dictionary_1.py"
_PHRASES = Path(__file__).parent / "golden" / "r1" / "phrases.txt"
PHRASES = bytes.fromhex(_PHRASES.read_text(encoding="ascii").removeprefix("hex"))
HELLO, ANSWER, STATEMENTS, EVENTS, BLOB, BUNDLE_FACTS, COMPARE, END = 1, 2, 3, 4, 5, 6, 7, 255
NO_BODY = NOT_HERE = 0xFFFFFFFF


class Wrong(Exception):
    """Something is not as the document says."""


class Event(NamedTuple):
    """One event as it was signed."""

    envelope: bytes
    signature: bytes
    salt: bytes
    body: bytes | None


def canonical(raw: bytes) -> Any:
    """Canonical JSON: keys by UTF-16 units, no blanks, nothing escaped without need."""
    value = json.loads(raw)
    if spelled(value) != raw:
        raise Wrong("not canonical")
    return value


def spelled(value: Any) -> bytes:
    """The one spelling of a value."""

    def ordered(part: Any) -> Any:
        if isinstance(part, dict):
            keys = sorted(part, key=lambda key: key.encode("utf-16-be"))
            return {key: ordered(part[key]) for key in keys}
        return [ordered(one) for one in part] if isinstance(part, list) else part

    return json.dumps(ordered(value), ensure_ascii=False, separators=(",", ":")).encode()


def signed(key: bytes, kind: str, payload: bytes, signature: bytes) -> None:
    """A signature covers "yizhan/1/" kind 00 payload."""
    try:
        message = b"yizhan/1/" + kind.encode() + b"\0" + payload
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature as error:
        raise Wrong(f"signature of a {kind}") from error


class Reader:
    """Reads streams and remembers whose keys it was shown."""

    def __init__(self, authority: bytes) -> None:
        self._authority = authority
        self.keys: dict[str, bytes] = {}
        self.events: list[dict[str, Any]] = []

    def read(self, stream: bytes, called: str = "") -> list[str]:
        """Lines about a request to the station `called`, or about an answer."""
        lines: list[str] = []
        for kind, payload in frames(stream):
            if kind == STATEMENTS:
                lines += self._statements(payload)
            elif kind == HELLO:
                lines.append(self._header(f"hello/{called}", payload))
            elif kind == ANSWER:
                lines.append(self._header("answer", payload))
            elif kind == EVENTS:
                lines += self._events(payload)
            elif kind == BLOB:
                name, size, offset = struct.unpack_from(">32sQQ", payload)
                lines.append(f"blob {name.hex()[:8]} {offset}+{len(payload) - 48} of {size}")
            elif kind == COMPARE:
                rows = canonical(payload)
                lines += [f"compare {author} {count}" for author, count, _ in rows]
        return lines

    def _header(self, kind: str, raw: bytes) -> str:
        length = raw[0]
        signature, payload = raw[1 : 1 + length], raw[1 + length :]
        said = canonical(payload)
        signed(self._key(f"{said['s']}/{said['e']}"), kind, payload, signature)
        if kind == "answer":
            receipts = [f"{r['station']}:{r['pos']}" for r in said.get("r", [])]
            return f"answer of {said['s']} {said['vd']} receipts {','.join(receipts)}"
        return f"hello of {said['s']} at {said['o']}"

    def _key(self, log: str) -> bytes:
        if log not in self.keys:
            raise Wrong(f"no certificate of {log}")
        return self.keys[log]

    def _statements(self, payload: bytes) -> Iterator[str]:
        at = 8  # through
        while at < len(payload):
            (length,) = struct.unpack_from(">I", payload, at)
            yield self.statement(payload[at + 4 : at + 4 + length])
            at += 4 + length

    def statement(self, raw: bytes) -> str:
        """A line about one statement, its signature checked; a certificate is remembered."""
        outer = canonical(raw)
        payload = base64.b64decode(outer["payload"], validate=True)
        signature = base64.b64decode(outer["signature"], validate=True)
        if outer["kind"] == "certificate":
            self._certificate(canonical(payload), payload, signature)
        elif outer["signer"] == "authority":
            signed(self._authority, outer["kind"], payload, signature)
        else:
            signed(self._key(outer["signer"]), outer["kind"], payload, signature)
        return f"{outer['kind']} by {outer['signer']}"

    def _certificate(self, said: dict[str, Any], payload: bytes, signature: bytes) -> None:
        """Authority, voucher, certificate: each key signs the next."""
        inner = canonical(base64.b64decode(said["voucher"]))
        voucher_raw = base64.b64decode(inner["payload"])
        proof = base64.b64decode(inner["signature"])
        signed(self._authority, "voucher", voucher_raw, proof)
        voucher = canonical(voucher_raw)
        if (voucher["station"], voucher["epoch"]) != (said["station"], said["epoch"]):
            raise Wrong("voucher of another")
        signed(base64.b64decode(voucher["key"]), "certificate", payload, signature)
        log = f"{said['station']}/{said['epoch']}"
        self.keys[log] = base64.b64decode(said["sign_key"])

    def _events(self, payload: bytes) -> Iterator[str]:
        (through,) = struct.unpack_from(">Q", payload)
        at = 8
        yield f"events to {through}"
        while at < len(payload):
            event, at = plain_event(payload, at)
            yield self._event(event)

    def _event(self, event: Event) -> str:
        said = canonical(event.envelope)
        key = self._key(f"{said['station']}/{said['epoch']}")
        signed(key, "event", event.envelope, event.signature)
        if event.body is not None:
            canonical(event.body)
            if body_hash(event.salt, event.body) != said["body"]:
                raise Wrong("another body")
        self.events.append({**said, "raw": event})
        held = "without body" if event.body is None else f"{len(event.body)} bytes"
        return f"event {said['station']}/{said['epoch']}/{said['pos']} {said['type']} {held}"


def given(answer: bytes, parts: list[tuple[str, int, int]]) -> list[bytes | None]:
    """The second lane's answer to `get`: the bytes of each part asked for; None is not here."""
    found: list[bytes | None] = []
    at = 0
    for _, _, count in parts:
        (length,) = struct.unpack_from(">I", answer, at)
        at += 4
        if length == NOT_HERE:
            found.append(None)
            continue
        if length > count or at + length > len(answer):
            raise Wrong("more or less than was asked for")
        found.append(answer[at : at + length])
        at += length
    if at != len(answer):
        raise Wrong("more parts than asked for")
    return found


def warrant(said: dict[str, Any], authority: bytes, root: str) -> list[str]:
    """The stations of a warrant's line, the root at its end; each step proven."""
    outer = canonical(base64.b64decode(said["manifest"], validate=True))
    payload = base64.b64decode(outer["payload"], validate=True)
    if (outer["kind"], outer["signer"]) != ("manifest", "authority"):
        raise Wrong("not a manifest")
    signed(authority, "manifest", payload, base64.b64decode(outer["signature"], validate=True))
    manifest = canonical(payload)
    if not manifest["shelf"].startswith("stations/") or not 1 <= len(said["line"]) <= 8:
        raise Wrong("not of stations")
    rows = [proven(one, manifest) for one in said["line"]]
    line = [*(row["code"] for row in rows), root]
    for row, above in zip(rows, line[1:], strict=True):
        if above not in [dated["parent"] for dated in row["attributes"]]:
            raise Wrong(f"{above} is not above {row['code']}")
    return line


def proven(one: dict[str, Any], manifest: dict[str, Any]) -> Any:
    """An entry that leads to the manifest's root, by the verification of RFC 9162, 2.1.3.2."""
    key, raw = one["key"].encode(), one["raw"].encode()
    node = hashlib.sha256(b"\0" + key + b"\0" + raw).digest()
    at, last = one["at"], manifest["entries"] - 1
    if not 0 <= at <= last:
        raise Wrong("no such place")
    for other in map(bytes.fromhex, one["beside"]):
        if last == 0:
            raise Wrong("too long a way")
        if at % 2 or at == last:
            node = hashlib.sha256(b"\1" + other + node).digest()
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            node = hashlib.sha256(b"\1" + node + other).digest()
        at, last = at // 2, last // 2
    row = json.loads(raw)
    if last or node.hex() != manifest["root"] or row["code"] != one["key"]:
        raise Wrong("does not lead to the root")
    return row


def body_hash(salt: bytes, body: bytes) -> str:
    """What an envelope says of its body."""
    return base64.b64encode(hashlib.sha256(b"yizhan/1/body\0" + salt + body).digest()).decode()


def chain(log: str, envelopes: list[bytes]) -> bytes:
    """The chain check sum of a log after these envelopes."""
    at = hashlib.sha256(log.encode()).digest()[:16]
    for envelope in envelopes:
        at = hashlib.sha256(at + hashlib.sha256(envelope).digest()).digest()[:16]
    return at


def frames(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Types and payloads; a frame of unknown type is passed over."""
    if stream[:3] != b"YZR" or stream[3] not in (1, 2):
        raise Wrong("magic")
    at = 4
    while at < len(stream):
        kind, encoding, length, check = struct.unpack_from(">BBII", stream, at)
        payload = stream[at + 10 : at + 10 + length]
        if zlib.crc32(stream[at : at + 6] + payload) != check or len(payload) < length:
            raise Wrong("check sum")
        at += 10 + length
        if kind in (HELLO, ANSWER, STATEMENTS, EVENTS, BLOB, BUNDLE_FACTS, COMPARE, END):
            yield kind, plain(kind, encoding, payload)


def opened(raw: bytes, context: bytes = b"") -> bytes:
    """A stream that was squeezed: against `context`, of an answer with its request's head."""
    if raw[:1] not in (b"\x53", b"\x54", b"\x55"):
        return raw
    at, phrases = 1, b"" if raw[0] == 0x53 else PHRASES
    if raw[1:7] == hashlib.sha256(context).digest()[:6] and context:
        at = 7
    (length,) = struct.unpack_from(">H", raw, at)
    at += 2
    shared = zstandard.ZstdCompressionDict(
        phrases + context, dict_type=zstandard.DICT_TYPE_RAWCONTENT
    )
    reader = zstandard.ZstdDecompressor(
        dict_data=shared, format=zstandard.FORMAT_ZSTD1_MAGICLESS
    ).stream_reader(raw[at : at + length])
    front = reader.read()
    return (front if raw[0] == 0x53 else unpacked_front(front)) + raw[at + length :]


def unpacked_front(packed: bytes) -> bytes:
    """Frames with their heads again: layout, check sum, then type, length and payload each."""
    plain_front, _ = folded(packed, 0)
    layout, check = struct.unpack_from(">BI", plain_front)
    at, out = 5, b"YZR" + bytes([layout])
    while at < len(plain_front):
        kind, length = struct.unpack_from(">BH", plain_front, at)
        payload = plain_front[at + 3 : at + 3 + length]
        head = struct.pack(">BBI", kind, 0, length)
        out += head + struct.pack(">I", zlib.crc32(head + payload)) + payload
        at += 3 + length
    if zlib.crc32(out) != check:
        raise Wrong("check sum of a front")
    return out


def folded(raw: bytes, at: int) -> tuple[bytes, int]:
    """What was unfolded, up to the end or the end of a layer, and where that was."""
    out = b""
    while at < len(raw):
        mark = raw[at]
        if mark == 0xFB:
            return out, at + 1
        if mark == 0xFA:
            inner, at = folded(raw, at + 1)
            out += base64.b64encode(inner)
        elif mark in (0xF9, 0xFC, 0xFD):
            piece = raw[at + 2 : at + 2 + raw[at + 1]]
            at += 2 + raw[at + 1]
            written = {0xF9: base64.b64encode(piece), 0xFC: piece.hex().encode(), 0xFD: piece}
            out += written[mark]
        else:
            out, at = out + raw[at : at + 1], at + 1
    return out, at


def plain(kind: int, encoding: int, payload: bytes) -> bytes:
    """What a payload is without its encoding."""
    if encoding == 0:
        return payload
    if encoding < 128:
        return unpacked(payload, encoding - 1)
    if kind != EVENTS or encoding == 128:
        raise Wrong("columns")
    (length,) = struct.unpack_from(">I", payload)
    raw, rest = payload[4 : 4 + length], payload[4 + length :]
    through, events = from_columns(raw, unpacked(rest, encoding - 129))
    return struct.pack(">Q", through) + b"".join(spelled_event(event) for event in events)


def unpacked(packed: bytes, dictionary: int) -> bytes:
    """One zstd frame; dictionary 0 is none, else it is the one of the encoding."""
    if dictionary > 1:
        raise Wrong("dictionary")
    shared = zstandard.ZstdCompressionDict(dictionary_1()) if dictionary else None
    return zstandard.ZstdDecompressor(dict_data=shared).stream_reader(packed).read()


def dictionary_1() -> bytes:
    """The base64 in the one Python literal of its file."""
    tree = ast.parse(DICTIONARY.read_text(encoding="utf-8"))
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    longest = max((t for t in texts if isinstance(t, str | bytes)), key=len)
    return base64.b64decode(longest)


def plain_event(raw: bytes, at: int) -> tuple[Event, int]:
    """One event as it stands in a frame, and where the next begins."""
    sizes = struct.unpack_from(">HBB", raw, at)
    at += 4
    parts = []
    for size in sizes:
        parts.append(raw[at : at + size])
        at += size
    (length,) = struct.unpack_from(">I", raw, at)
    at += 4
    if length == NO_BODY:
        return Event(*parts, None), at
    return Event(*parts, raw[at : at + length]), at + length


def spelled_event(event: Event) -> bytes:
    """An event as it stands in a frame."""
    head = struct.pack(">HBB", len(event.envelope), len(event.signature), len(event.salt))
    body = struct.pack(">I", NO_BODY if event.body is None else len(event.body))
    return head + event.envelope + event.signature + event.salt + body + (event.body or b"")


def from_columns(raw: bytes, packed: bytes) -> tuple[int, list[Event]]:
    """Events by columns, their envelopes made anew."""
    through, size = struct.unpack_from(">QI", packed)
    runs, logs, streams, types, actors, audiences = json.loads(packed[12 : 12 + size])
    at, count = 12 + size, sum(runs[0::2])
    columns: list[list[int]] = []
    for _ in range(9):
        column = []
        for _ in range(count):
            number, at = leb128(packed, at)
            column.append(number)
        columns.append(column)
    texts = []
    for length in columns[8]:
        texts.append(packed[at : at + length])
        at += length
    drawn = Drawn(raw)
    last: dict[int, tuple[int, int]] = {}
    rows = iter(zip(*columns, strict=True))
    events: list[Event] = []
    for number, run in enumerate(runs):
        for _ in range(run):
            if number % 2:
                event, at = plain_event(packed, at)
                events.append(event)
                continue
            log, position, ms, counter, stream, kind, actor, audience, _ = next(rows)
            before, before_ms = last.get(log, (0, 0))
            position, ms = before + 1 + zigzag(position), before_ms + zigzag(ms)
            last[log] = position, ms
            station, epoch, version = logs[log]
            signature, salt = drawn.take(64), drawn.take(16)
            body = drawn.filled(texts[len(events) - _plain_before(runs, number)])
            envelope = {
                "v": version, "alg": "ed25519", "station": station, "epoch": epoch,
                "pos": position, "hlc": ms * 1024 + counter,
                "stream": streams[stream - 1] if stream else f"{station}/{epoch}/{position}",
                "type": types[kind], "actor": actors[actor], "body": body_hash(salt, body),
            }  # fmt: skip
            if audience:
                envelope["aud"] = audiences[audience - 1]
            events.append(Event(spelled(envelope), signature, salt, body))
    return through, events


def _plain_before(runs: list[int], number: int) -> int:
    return sum(runs[1:number:2])


class Drawn:
    """What stands raw: signatures, salts, and names pulled out of bodies."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._at = raw, 0

    def take(self, count: int) -> bytes:
        self._at += count
        return self._raw[self._at - count : self._at]

    def filled(self, text: bytes) -> bytes:
        """A body with its names put back: 01 for a hash, 02 for a UUID."""

        def name(mark: re.Match[bytes]) -> bytes:
            if mark.group() == b"\x01":
                return self.take(32).hex().encode()
            return str(uuid.UUID(bytes=self.take(16))).encode()

        return re.sub(rb"[\x01\x02]", name, text)


def leb128(raw: bytes, at: int) -> tuple[int, int]:
    """One number, seven bits a byte, the lowest first."""
    number = shift = 0
    while True:
        number |= (raw[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if raw[at - 1] < 0x80:
            return number, at


def zigzag(number: int) -> int:
    """0, -1, 1, -2 … from 0, 1, 2, 3 …"""
    return number >> 1 if number % 2 == 0 else -(number >> 1) - 1


def main() -> None:
    """Print what a stream in a file says."""
    authority, file, *called = sys.argv[1:]
    lines = Reader(bytes.fromhex(authority)).read(Path(file).read_bytes(), *called)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
