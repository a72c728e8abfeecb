"""Bundles nobody should send: spoiled outside, or signed by a station that means harm."""

from __future__ import annotations

import copy
import hashlib
import io
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import zstandard
from msgspec.structs import replace

from sync.engine import authority
from sync.protocol import bundles, canonical, frames, sealing, statements
from sync.protocol.bundles import BundleFacts, BundleManifest, Range
from sync.protocol.envelope import Event
from sync.protocol.frames import Frame
from sync.protocol.names import LogName
from sync.protocol.rounds import Hole
from sync.protocol.statements import Statement
from sync.sealing import X25519Sealing
from sync.signing import Ed25519Signer
from tests.integration.tree_world import CENTRAL, VILLAGE, Tree
from tests.protocol.wire_samples import raw_frame

KEY, SALT = b"k" * 32, b"s" * 16
SEED = b"q" * 32
NOT_US = "bundle_not_for_us"
ONE_USE, STRANGER = Ed25519Signer(b"u" * 32), Ed25519Signer(b"s" * 32)
FOREIGN = Ed25519Signer(b"f" * 32)
"""The authority of another county."""
MIB = 1024 * 1024


ANY = "*"
"""Some code: which one depends on what a flipped bit made of a text."""


class Hostile(NamedTuple):
    """A file, the code it is refused with ("" where it is taken without effect), and by whom."""

    name: str
    raw: bytes
    code: str
    at: str = CENTRAL


class Forge:
    """Makes bundles as a station could if it lied, sealed to one above it or below it."""

    def __init__(self, tree: Tree, maker: str = VILLAGE, reader: str = CENTRAL) -> None:
        self.core = tree.nodes[maker].core
        self.signer = self.core.signer
        self.certificate = self.core.certificate
        self.log = self.core.log
        self.way = bundles.UP if maker == VILLAGE else bundles.DOWN
        with tree.nodes[reader].database.read() as transaction:
            log = tree.nodes[reader].core.log
            held = transaction.certificate(log) or tree.nodes[reader].core.certificate
        key = statements.decode(held).read(statements.Certificate).encrypt_key
        self.reader = (log, key)
        self.to = "" if self.way == bundles.UP else reader
        self.port = X25519Sealing(SEED)

    def as_other(self, authority_key: Ed25519Signer, log: LogName) -> Forge:
        """Return a forge that signs as a station this authority let in."""
        voucher = authority.make_voucher(
            authority_key, log.station, log.epoch, ONE_USE.public_key(), authority.ONLINE, "F-1"
        )
        other = copy.copy(self)
        other.signer, other.log = STRANGER, log
        other.certificate = authority.make_certificate(
            voucher, ONE_USE, STRANGER.public_key(), b"x" * 32
        )
        return other

    def facts(self, **changes: Any) -> Frame:
        facts = BundleFacts(1, *self.log, self.core.incarnation, 1, position=1)
        return Frame(frames.BUNDLE_FACTS, canonical.dumps(replace(facts, **changes)))

    def content(self, *inside: Frame) -> list[bytes]:
        """One part with facts and whatever follows them."""
        return [bundles.encode_part(frames.encode_stream([self.facts(), *inside]))]

    def raw_part(self, *raw_frames: bytes) -> list[bytes]:
        stream = frames.encode_stream([self.facts()]) + b"".join(raw_frames)
        return [bundles.encode_part(stream)]

    def part(self, *inside: Frame) -> bytes:
        """One part of just these frames."""
        return bundles.encode_part(frames.encode_stream(inside))

    def seal(self, parts: Sequence[bytes]) -> bytes:
        return b"".join(sealing.seal(self.port.chunks(KEY, SALT), parts))

    def manifest(self, plain: int, sealed: bytes, **changes: Any) -> BundleManifest:
        log, public = self.reader
        made = BundleManifest(
            v=1,
            way=self.way,
            station=self.log.station,
            epoch=self.log.epoch,
            incarnation=self.core.incarnation,
            to=self.to,
            number=1,
            created_ms=1,
            alg=sealing.ALGORITHM,
            salt=SALT,
            readers=[self.port.wrap(f"{log.station}/{log.epoch}", public, KEY)],
            ranges=[],
            events=0,
            plain_bytes=plain,
            sealed_bytes=len(sealed),
            sealed_sha256=hashlib.sha256(sealed).digest(),
            certificate=self.certificate,
            authority=self.core.authority[0],
        )
        return replace(made, **changes)

    def sign(self, manifest: BundleManifest, signer: str = "") -> bytes:
        name = signer or f"{self.log.station}/{self.log.epoch}"
        unsigned = Statement(bundles.KIND, canonical.dumps(manifest), b"", name)
        signed = replace(unsigned, signature=self.signer.sign(unsigned.message()))
        return bundles.encode_head(signed)

    def file(self, parts: Sequence[bytes], **changes: Any) -> bytes:
        sealed = self.seal(parts)
        plain = sum(len(part) for part in parts)
        return self.sign(self.manifest(plain, sealed, **changes)) + sealed

    def head(self, raw: bytes) -> bytes:
        return b"YZB\1" + len(raw).to_bytes(4, "big") + raw


def odd_heads(forge: Forge) -> Iterator[Hostile]:
    """Yield heads that are no statement."""
    for name, raw, code in (
        ("nothing but brackets", b"[" * 100_000, "malformed"),
        ("deep JSON", b'{"a":' * 200 + b"1" + b"}" * 200, "limit_exceeded"),
        ("floats", b'{"kind":1.5}', "malformed"),
        ("huge integers", b'{"kind":' + b"9" * 5000 + b"}", "malformed"),
        ("NUL", b"\0" * 100, "malformed"),
        ("a key twice", b'{"kind":"bundle","kind":"bundle"}', "malformed"),
        ("another statement", forge.core.certificate, "malformed"),
    ):
        yield Hostile(f"head: {name}", forge.head(raw), code)
    name = forge.reader[0]
    parts = forge.content()
    sealed, plain = forge.seal(parts), sum(len(part) for part in parts)
    head_of_central = forge.sign(forge.manifest(plain, sealed), f"{name.station}/{name.epoch}")
    as_central = head_of_central + sealed
    yield Hostile("head: signed as central", as_central, "bad_signature")


def odd_manifests(forge: Forge) -> Iterator[Hostile]:
    """Yield manifests that are impossible, or of somebody else, and readers that are none."""
    many = [Range("CG0111", n, 0, 1) for n in range(9_000)]
    good = forge.manifest(0, b"").readers[0]
    old = forge.port.wrap(good.to, b"x" * 32, KEY)
    wrong = replace(good, wrapped=bytes(48))
    changes: list[tuple[str, dict[str, Any], str]] = [
        ("a way of its own", {"way": "side"}, "malformed"),
        ("number 0", {"number": 0}, "malformed"),
        ("less than nothing", {"plain_bytes": -1}, "bundle_too_large"),
        ("a petabyte", {"sealed_bytes": 2**50}, "bundle_too_large"),
        ("sizes that do not agree", {"plain_bytes": 5}, "bundle_damaged"),
        ("nine thousand logs", {"ranges": many}, "limit_exceeded"),
        ("a path for a station", {"station": "../../etc"}, "bad_signature"),
        ("a path for an addressee", {"to": "../../etc", "readers": []}, "bundle_not_for_us"),
        ("no reader", {"readers": []}, "bundle_not_for_us"),
        ("a version far ahead", {"v": 9}, "unsupported_version"),
        ("no certificate", {"certificate": b"{}"}, "malformed"),
        ("another station", {"station": "CG0112"}, "bad_signature"),
        ("wrong key", {"readers": [wrong]}, "bundle_wrong_key"),
        ("low order", {"readers": [replace(wrong, ephemeral=bytes(32))]}, "bundle_wrong_key"),
        ("no name", {"readers": [replace(wrong, to="no name")]}, "malformed"),
        ("twenty readers", {"readers": [wrong] * 20}, "limit_exceeded"),
        ("a key of long ago", {"readers": [old]}, "bundle_wrong_key"),
        ("sealed to the district", {"readers": [replace(wrong, to="CG0001/7")]}, NOT_US),
        ("a life of two words", {"incarnation": "a b"}, "malformed"),
        ("a life without end", {"incarnation": "9" * 1000}, "malformed"),
        ("a number less than nothing", {"number": -1}, "malformed"),
        ("version 0", {"v": 0}, "peer_too_old"),
        ("its own authority", {"authority": b"a" * 32}, ""),
        ("another salt", {"salt": b"t" * 16}, "bundle_damaged"),
        ("a salt of nothing", {"salt": b""}, "bundle_damaged"),
        ("hash of another", {"sealed_sha256": bytes(32)}, "bundle_damaged"),
        ("hash of nothing", {"sealed_sha256": b""}, "bundle_damaged"),
        ("ranges of nonsense", {"ranges": [Range("../..", -1, -5, -9)]}, ""),
        ("made at no time", {"created_ms": -(2**53) + 1}, ""),
        ("made at the end of time", {"created_ms": 2**53 - 1}, ""),
        ("another epoch", {"epoch": 1}, "bad_signature"),
        ("a certificate of 200 KB", {"certificate": b"x" * 200_000}, "limit_exceeded"),
    ]
    for name, changed, code in changes:
        yield Hostile(f"manifest: {name}", forge.file(forge.content(), **changed), code)


def bomb(size: int) -> bytes:
    """Return a zstd frame of so many zeroes, made without holding them."""
    out = io.BytesIO()
    with zstandard.ZstdCompressor(level=3).stream_writer(out, closefd=False) as writer:
        for _ in range(size // MIB):
            writer.write(bytes(MIB))
    return out.getvalue()


def torn(forge: Forge) -> Iterator[Hostile]:
    """Yield content whose chunks or parts do not fit together, signed by its maker all the same."""
    chunk = sealing.CHUNK_BYTES + sealing.TAG_BYTES
    sealed = forge.seal([b"\0\7\xff\xff" + bytes(199_996)])
    first, second, rest = sealed[:chunk], sealed[chunk : 2 * chunk], sealed[2 * chunk :]
    for name, raw, plain in (
        ("turned round", second + first + rest, 200_000),
        ("left out at the end", first + second, 2 * sealing.CHUNK_BYTES),
        ("one twice", first + sealed, 200_000 + sealing.CHUNK_BYTES),
    ):
        file = forge.sign(forge.manifest(plain, raw)) + raw
        yield Hostile(f"chunks: {name}", file, "bundle_damaged")
    for name, parts, code in (
        ("none", [], "malformed"),
        ("of 4 GiB", [b"\xff\xff\xff\xff" + bytes(100)], "limit_exceeded"),
        ("cut off", [b"\0\0\x10\0" + bytes(100)], "malformed"),
        ("no stream", [bundles.encode_part(b"x" * 50)], "malformed"),
        ("without facts", [forge.part()], "malformed"),
    ):
        yield Hostile(f"parts: {name}", forge.file(parts), code)


def odd_frames(forge: Forge) -> Iterator[Hostile]:
    """Yield frames that are too much, damaged or unknown."""
    zeroes = raw_frame(frames.STATEMENTS, frames.ZSTD, bomb(MIB))
    for name, raw, code in (
        ("a bomb of 1 GiB", [raw_frame(4, 1, bomb(1024 * MIB))], "limit_exceeded"),
        ("many small bombs", [zeroes] * 400, "limit_exceeded"),
        ("cut off", [raw_frame(4, 0, b"", 99)], "frame_damaged"),
        ("a thousand", [raw_frame(5, 0, b"")] * 1000, "limit_exceeded"),
        ("an unknown dictionary", [raw_frame(4, 77, b"x")], "unsupported_version"),
        ("an unknown one and a hello", [raw_frame(99, 9, b"x"), raw_frame(1, 0, b"x")], ""),
    ):
        yield Hostile(f"frames: {name}", forge.file(forge.raw_part(*raw)), code)


def insides(forge: Forge, below: Forge, event: Event) -> Iterator[Hostile]:
    """Yield whole frames with something bad in them."""
    hole = Hole("CG0001", 1, 1, "x", b"h" * 32)
    for name, facts, code in (
        ("of another number", [forge.facts(number=2)], "bad_signature"),
        ("of another station", [forge.facts(station="CG0112")], "bad_signature"),
        ("a hundred times", [forge.facts()] * 100, "limit_exceeded"),
        ("with holes of others", [forge.facts(holes=[hole])], ""),
        ("behind the content", [frames.encode_events(0, [event])], "malformed"),
    ):
        yield Hostile(f"facts: {name}", forge.file([forge.part(*facts)]), code)
    for name, frame, code in (
        ("of nothing", Frame(frames.EVENTS, b""), "malformed"),
        ("cut off", Frame(frames.EVENTS, bytes(8) + b"\xff\xff\xff\xff"), "malformed"),
        ("altered", frames.encode_events(0, [event._replace(body=b"{}")]), ""),
        ("that are none", frames.encode_events(0, [Event(b"[]", bytes(64), b"", b"")]), ""),
    ):
        yield Hostile(f"events: {name}", forge.file(forge.content(frame)), code)
    # Two doubts of one position refuse it for good: so this one goes to the township.
    frame = frames.encode_events(0, [event._replace(signature=bytes(64))])
    badly_signed = below.file(below.content(frame))
    yield Hostile("events: badly signed", badly_signed, "", below.reader[0].station)
    for name, count, code in (("odd", 1000, ""), ("too many", 10_000, "limit_exceeded")):
        frame = frames.encode_statements(0, [b"{}"] * count)
        yield Hostile(f"statements: {name}", forge.file(forge.content(frame)), code)
