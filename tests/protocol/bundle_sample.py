"""One fixed bundle, sealed with fixed keys, and how its golden bytes are read."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from sync.protocol import bundles, canonical, frames, sealing
from sync.protocol.bundles import BundleFacts, BundleManifest, Range
from sync.protocol.envelope import Event
from sync.protocol.errors import BundleTruncated
from sync.protocol.statements import Statement
from sync.sealing import X25519Sealing
from sync.signing import Ed25519Signer, encryption_public_key

STATION, EPOCH = "CG0111", 1_790_000_000_000
READER_SEED = b"R" * 32
"""Private encryption key of the one reader."""
_FRESH, _FILE_KEY, _SALT = b"F" * 32, b"K" * 32, b"S" * 16


class Bundle(NamedTuple):
    """A bundle as it stands in its file."""

    head: Statement
    sealed: bytes


def write(bundle: Bundle) -> bytes:
    """Return the file's bytes."""
    return bundles.encode_head(bundle.head) + bundle.sealed


def read(raw: bytes) -> Bundle:
    """Return the bundle in a file's bytes, its hash checked. Raises: PeerProtocolError."""
    end = bundles.START_BYTES + bundles.head_length(raw[: bundles.START_BYTES])
    head, manifest = bundles.decode_head(raw[bundles.START_BYTES : end])
    if hashlib.sha256(raw[end:]).digest() != manifest.sealed_sha256:
        raise BundleTruncated("sample")
    return Bundle(head, raw[end:])


def make(
    event: Event, certificate: bytes, signer: Ed25519Signer, authority: bytes, incarnation: str
) -> Bundle:
    """Return a bundle up with one event, from station CG0111 to central."""
    facts = BundleFacts(1, STATION, EPOCH, incarnation, 1, position=2, chain=b"c" * 16)
    content = [
        frames.encode_statements(0, [certificate]),
        frames.Frame(frames.BUNDLE_FACTS, canonical.dumps(facts)),
        frames.encode_events(0, [event]),
    ]
    part = bundles.encode_part(frames.encode_stream(content))
    return sealed_up(part, certificate, signer, authority, incarnation)


def sealed_up(
    part: bytes, certificate: bytes, signer: Ed25519Signer, authority: bytes, incarnation: str
) -> Bundle:
    """Return a bundle of whatever content, sealed and signed as an honest maker would."""
    port = X25519Sealing(READER_SEED, fresh=lambda: _FRESH)
    wrapped = port.wrap(f"KM0000/{EPOCH}", encryption_public_key(READER_SEED), _FILE_KEY)
    sealed = b"".join(sealing.seal(port.chunks(_FILE_KEY, _SALT), [part]))
    manifest = BundleManifest(
        v=1,
        way=bundles.UP,
        station=STATION,
        epoch=EPOCH,
        incarnation=incarnation,
        to="",
        number=1,
        created_ms=EPOCH + 60_000,
        alg=sealing.ALGORITHM,
        salt=_SALT,
        readers=[wrapped],
        ranges=[Range(STATION, EPOCH, 1, 2)],
        events=1,
        plain_bytes=len(part),
        sealed_bytes=len(sealed),
        sealed_sha256=hashlib.sha256(sealed).digest(),
        certificate=certificate,
        authority=authority,
    )
    payload = canonical.dumps(manifest)
    unsigned = Statement(bundles.KIND, payload, b"", f"{STATION}/{EPOCH}")
    return Bundle(
        Statement(bundles.KIND, payload, signer.sign(unsigned.message()), unsigned.signer), sealed
    )
