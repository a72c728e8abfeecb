"""Bundles sealed and signed as they should be, with something inside that should not be there."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from sync.protocol import canonical, frames, statements
from sync.protocol.bundles import Held
from sync.protocol.envelope import Event, body_hash, signed_message
from sync.protocol.frames import Frame
from sync.protocol.names import LogName
from sync.protocol.receipts import LogReceipt
from sync.protocol.rounds import Hole
from sync.protocol.statements import Attachment, Statement, TimeMark
from tests.integration.hostile_bundles import (
    ANY,
    FOREIGN,
    SALT,
    Forge,
    Hostile,
    bomb,
)
from tests.integration.tree_world import TOWNSHIP, VILLAGE, Tree
from tests.protocol.wire_samples import raw_frame

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
MIB = 1024 * 1024


def zstd_frames(forge: Forge) -> Iterator[Hostile]:
    """Yield compressed frames that lie about their size, their window or their end."""
    good = bomb(0) or ZSTD_MAGIC
    rle = struct.pack("<I", 1000 << 3 | 1 << 1 | 1)[:3] + b"\0"
    huge_rle = struct.pack("<I", (2**21 - 1) << 3 | 1 << 1 | 1)[:3] + b"\0"
    for name, raw in (
        ("a window of 2 TiB", ZSTD_MAGIC + b"\0\xff" + rle),
        ("a window of 2 GiB", ZSTD_MAGIC + b"\0\xa8" + rle),
        ("a size of a terabyte", ZSTD_MAGIC + b"\xe0" + (2**40).to_bytes(8, "little") + rle),
        ("a size of 5", ZSTD_MAGIC + b"\x20\x05" + rle),
        ("a block of 2 MiB of one byte", ZSTD_MAGIC + b"\0\x58" + huge_rle),
        ("an unknown dictionary", ZSTD_MAGIC + b"\x03\x58\xff\xff\xff\xff" + rle),
        ("reserved bits", ZSTD_MAGIC + b"\x08\x58" + rle),
        ("nothing behind the magic", ZSTD_MAGIC),
        ("a block cut off", ZSTD_MAGIC + b"\0\x58" + rle[:2]),
        ("what may be skipped", b"\x50\x2a\x4d\x18\xff\xff\xff\x7f"),
        ("two frames", good + good),
        ("garbage", b"garbage" * 100),
        ("nothing", b""),
        ("64 MiB of zeroes", bomb(64 * MIB)),
    ):
        frame = raw_frame(frames.STATEMENTS, frames.ZSTD, raw)
        yield Hostile(f"zstd: {name}", forge.file(forge.raw_part(frame)), ANY)


def odd_columns(forge: Forge) -> Iterator[Hostile]:
    """Yield frames by columns whose halves and tables do not fit."""
    for name, raw in (
        ("a half of 4 GiB", b"\xff\xff\xff\xff" + bytes(50)),
        ("no halves", b"\0"),
        ("tables of 4 GiB", bytes(4) + bytes(8) + b"\xff\xff\xff\xff[]"),
        ("tables of nothing", bytes(4) + bytes(8) + b"\0\0\0\2[]"),
        ("rows without end", bytes(4) + bytes(8) + b"\0\0\0\x1f[[1000000000],[],[],[],[],[],[]]"),
    ):
        frame = raw_frame(frames.EVENTS, frames.BY_COLUMNS, raw)
        yield Hostile(f"columns: {name}", forge.file(forge.raw_part(frame)), ANY)


def odd_parts(forge: Forge) -> Iterator[Hostile]:
    """Yield parts and streams that are nearly right."""
    facts = forge.part(forge.facts())
    for name, parts, code in (
        ("of nothing", [b"\0\0\0\0"], "malformed"),
        ("one in another", [facts, b"\0\0\0\4" + facts[:4]], "malformed"),
        ("bytes behind the last", [facts, b"\0\0\0"], "malformed"),
        ("a newer wire", [b"\0\0\0\4YZR\3"], "unsupported_version"),
        ("an old wire", [b"\0\0\0\4YZR\0"], "peer_too_old"),
        ("thousands of empty ones", [facts, *[b"\0\0\0\4YZR\1"] * 5000], ""),
        ("a pack up", [forge.part(forge.facts(), Frame(frames.BLOB, bytes(60)))], ""),
        ("a whole round", [forge.part(forge.facts(), Frame(frames.HELLO, b"{}"))], ""),
    ):
        yield Hostile(f"parts: {name}", forge.file(parts), code)
    spoiled = bytearray(forge.part(forge.facts()))
    spoiled[-1] ^= 1
    yield Hostile("parts: a wrong check sum", forge.file([bytes(spoiled)]), "frame_damaged")


def odd_facts(forge: Forge) -> Iterator[Hostile]:
    """Yield cursors nobody can have."""
    changes: list[tuple[str, dict[str, Any], str]] = [
        ("an edition of the year 285,000", {"editions": {"matters/x/all": 2**53 - 1}}, "malformed"),
        ("an edition before time", {"editions": {"matters/x/all": -1}}, "malformed"),
        ("an edition of no shelf", {"editions": {"a\nb": 1}}, ""),
        ("five thousand editions", {"editions": {f"r/{n}/a": 1 for n in range(5000)}}, ANY),
        ("a position of minus one", {"position": -1}, ""),
        ("a position without end", {"position": 2**53 - 1, "chain": b"c" * 16}, ""),
        ("a chain of nothing", {"chain": b""}, ""),
        ("held of two words", {"held": [Held("KM0000", "a b", 1)]}, "malformed"),
        ("held less than nothing", {"held": [Held("KM0000", "a", -(2**53) + 1)]}, ""),
        ("held without end", {"held": [Held("KM0000", "a", 2**53 - 1)]}, ""),
        ("holes without end", {"holes": [Hole(VILLAGE, 1, 2**53 - 1, "x", b"h")]}, ""),
        ("holes less than nothing", {"holes": [Hole(VILLAGE, 1, -5, "x", b"h" * 32)]}, ""),
        ("receipts upwards", {"receipts": [LogReceipt(VILLAGE, 1, 9, b"c" * 16)]}, ""),
        ("another life", {"incarnation": "other"}, "bad_signature"),
        ("another epoch", {"epoch": 1}, "bad_signature"),
    ]
    for name, changed, code in changes:
        raw = forge.file([forge.part(forge.facts(**changed))])
        yield Hostile(f"facts: {name}", raw, code)
    deep = Frame(frames.BUNDLE_FACTS, b'{"a":' * 100 + b"1" + b"}" * 100)
    yield Hostile("facts: nested", forge.file([forge.part(deep)]), "limit_exceeded")
    yield Hostile(
        "facts: a list", forge.file([forge.part(Frame(frames.BUNDLE_FACTS, b"[]"))]), "malformed"
    )


def odd_events(forge: Forge) -> Iterator[Hostile]:
    """Yield events no log has, signed by their maker all the same."""
    name = f"{forge.log.station}/{forge.log.epoch}"
    for what, changed, body in (
        ("of a neighbour", {"station": "CG0112", "stream": "CG0112/1/1"}, b"{}"),
        ("of another epoch", {"epoch": 1}, b"{}"),
        ("far ahead", {"pos": 2**53 - 1}, b"{}"),
        ("at no position", {"pos": 0}, b"{}"),
        ("with 65 stations", {"aud": [f"CG{n:04d}" for n in range(65)]}, b"{}"),
        ("with a body of 65 KiB", {}, b"x" * 65 * 1024),
        ("with an envelope of 9 KiB", {"note": "x" * 9000}, b"{}"),
        ("nested", {"note": _nested(12)}, b"{}"),
        ("nested without end", {"note": "deep"}, b"[" * 60_000),
        ("at the end of time", {"hlc": 2**53 - 1}, b"{}"),
        ("with floats", {"hlc": "1.5"}, b"{}"),
    ):
        fields: dict[str, Any] = {
            "v": 1,
            "alg": "ed25519",
            "station": forge.log.station,
            "epoch": forge.log.epoch,
            "pos": 9,
            "hlc": 1,
            "stream": f"{name}/9",
            "type": "x.forged",
            "actor": "node",
            "body": body_hash(SALT, body),
        }
        raw = canonical.dumps({**fields, **changed})
        event = Event(raw, forge.signer.sign(signed_message("event", raw)), SALT, body)
        frame = frames.encode_events(0, [event, event])
        yield Hostile(f"events: {what}", forge.file(forge.content(frame)), "")
    frame = Frame(frames.EVENTS, b"\xff" * 8)
    yield Hostile("events: beyond all numbers", forge.file(forge.content(frame)), "malformed")


def _nested(depth: int) -> Any:
    return 1 if not depth else [_nested(depth - 1)]


def odd_statements(forge: Forge, tree: Tree) -> Iterator[Hostile]:
    """Yield statements of others, of nobody, of another county."""
    signer = f"{forge.log.station}/{forge.log.epoch}"
    foreign = forge.as_other(FOREIGN, LogName("CG0111", 7)).certificate
    mark = canonical.dumps(TimeMark(1, 2**53 - 1, "x", 2**53 - 1))
    moved = canonical.dumps(Attachment(1, VILLAGE, "CG0201", 2**53 - 1))
    for name, raw in (
        ("a certificate of another county", foreign),
        ("time by a village", _signed(forge, statements.TIME_MARK, mark, signer)),
        ("time by the authority's name", _signed(forge, statements.TIME_MARK, mark, "authority")),
        ("a move in the year 285,000", _signed(forge, statements.ATTACHMENT, moved, signer)),
        ("a purge by a village", _signed(forge, statements.PURGE, b"{}", signer)),
        ("a revocation by a village", _signed(forge, statements.REVOCATION, b"{}", signer)),
        ("a manifest by a village", _signed(forge, statements.MANIFEST, b"{}", signer)),
        ("of a kind with a path", _signed(forge, "../../etc", b"{}", signer)),
        ("nested", b"[" * 1000),
        ("with a payload that is none", _signed(forge, statements.ASK, b"\xff", signer)),
        ("300 KB", b'{"a":"' + b"x" * 250_000 + b'"}'),
    ):
        frame = frames.encode_statements(0, [raw])
        yield Hostile(f"statement: {name}", forge.file(forge.content(frame)), "")


def _signed(forge: Forge, kind: str, payload: bytes, signer: str) -> bytes:
    unsigned = Statement(kind, payload, b"", signer)
    return statements.encode(replace(unsigned, signature=forge.signer.sign(unsigned.message())))


def strangers(forge: Forge, tree: Tree) -> Iterator[Hostile]:
    """Yield bundles of stations nobody knows, of another county, of beside and of long ago."""
    here, now = tree.authority, tree.now_ms
    beside = Forge(tree, VILLAGE, TOWNSHIP).as_other(here, LogName("CG0299", now))
    for name, made, code, at in (
        ("another county's", forge.as_other(FOREIGN, LogName(VILLAGE, now)), "bad_signature", ""),
        ("let in too long ago", forge.as_other(here, LogName("CG0999", 7)), "voucher_refused", ""),
        ("the same epoch, two keys", forge.as_other(here, forge.log), "voucher_refused", ""),
        ("of beside", beside, "bundle_not_ours", TOWNSHIP),
    ):
        raw = made.file(made.content())
        yield Hostile(f"maker: {name}", raw, code, at or forge.reader[0].station)


def from_above(forge: Forge, tree: Tree) -> Iterator[Hostile]:
    """Yield what a lying relay could give a village: receipts over what nobody holds, and more."""
    own = tree.nodes[VILLAGE].core.log
    receipt = LogReceipt(*own, 2**53 - 1, b"c" * 16)
    wrong = LogReceipt(*own, 1, b"c" * 16)
    changes: list[tuple[str, dict[str, Any], str]] = [
        ("a receipt beyond the log", {"receipts": [receipt]}, ""),
        ("a receipt over another content", {"receipts": [wrong]}, ""),
        ("a receipt less than nothing", {"receipts": [replace(wrong, pos=-7)]}, ""),
        ("a receipt of another county", {"receipts": [replace(wrong, station="ZZ9999")]}, ""),
        ("a receipt of another life", {"receipts": [replace(wrong, epoch=1)]}, ""),
        ("thousands of receipts", {"receipts": [wrong] * 3000}, ""),
        ("a sequence before time", {"after": -5, "through": -9}, ""),
        ("a sequence far ahead", {"after": 2**53 - 1, "through": 2**53 - 1}, ""),
        ("a verdict of its own", {"verdict": "<script>alert(1)</script>"}, ""),
        ("everybody frozen", {"frozen": [f"{own.station}/{own.epoch}", "x", "../.."]}, ""),
    ]
    for name, changed, code in changes:
        raw = forge.file([forge.part(forge.facts(**changed))])
        yield Hostile(f"down: {name}", raw, code, VILLAGE)
    piece = frames.BlobPiece("ab" * 32, 2**64 - 1, 2**64 - 1, b"x" * 100)
    empty = frames.encode_blob(frames.BlobPiece("ab" * 32, 0, 0, b""))
    for name, frame, code in (
        ("a pack nobody named", frames.encode_blob(piece), ""),
        ("a pack of nothing", empty, ""),
        ("a pack cut off", Frame(frames.BLOB, bytes(20)), "malformed"),
        ("beyond all numbers", Frame(frames.EVENTS, b"\xff" * 8), "malformed"),
        ("time beyond all numbers", Frame(frames.STATEMENTS, b"\xff" * 8), "malformed"),
    ):
        yield Hostile(f"down: {name}", forge.file(forge.content(frame)), code, VILLAGE)
    sister = Forge(tree, TOWNSHIP, TOWNSHIP)
    to_sister = sister.file(sister.content())
    yield Hostile("down: to another station", to_sister, "bundle_not_for_us", VILLAGE)
    up = replace(forge.manifest(0, b""), way="up")
    yield Hostile("down: called up", forge.sign(up), ANY, VILLAGE)
