"""An event: a signed envelope, and a separate salted body that can be purged.

The envelope's fields keep their place for ever. Fields this code does not know are covered by the
signature and travel on, because the received bytes are what is stored and forwarded.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgspec

from sync.protocol import canonical, versions
from sync.protocol.errors import LimitExceeded, Malformed
from sync.protocol.limits import (
    AUDIENCE_MAX,
    BODY_BYTES_MAX,
    ENVELOPE_BYTES_MAX,
)
from sync.protocol.names import EventName, check_station

SALT_BYTES = 16
HLC_COUNTER = 1024
"""A hybrid logical time is milliseconds * 1024 + counter."""
EPOCH_OPENED = "sync.epoch_opened"
PURGED = "sync.purged"
SEALED_BODY_KEY = "sealed"
"""A body {"sealed": bodies.SealedBody} is encrypted to its readers; carried like any other."""


class Envelope(msgspec.Struct, frozen=True, omit_defaults=True):
    """The signed half of an event.

    Shapes: `audience` lists the stations this event adds, at most 64; `body` is the salted SHA-256.
    Units: `hlc` is milliseconds since 1970 * 1024 + counter; `epoch` milliseconds.
    """

    v: int
    alg: str
    station: str
    epoch: int
    pos: int
    hlc: int
    stream: str
    type: str
    actor: str
    body: bytes
    aud: list[str] = []

    @property
    def name(self) -> EventName:
        return EventName(self.station, self.epoch, self.pos)


class Event(NamedTuple):
    """An event as stored and forwarded: bytes as received, `body` None when pruned or purged."""

    envelope: bytes
    signature: bytes
    salt: bytes
    body: bytes | None

    @property
    def hash(self) -> bytes:
        """SHA-256 of the envelope bytes: what chains and digests are made of."""
        return hashlib.sha256(self.envelope).digest()


_DECODER = msgspec.json.Decoder(Envelope)
_SORTED = msgspec.json.Encoder(order="sorted")


def body_hash(salt: bytes, body: bytes) -> bytes:
    """Return the salted hash an envelope carries for its body."""
    return hashlib.sha256(b"yizhan/1/body\0" + salt + body).digest()


class Check(NamedTuple):
    """A signature to be checked."""

    key: bytes
    message: bytes
    signature: bytes


def signed_message(kind: str, payload: bytes) -> bytes:
    """Return what a signature over `payload` covers; the kind keeps purposes apart."""
    return b"yizhan/1/" + kind.encode("ascii") + b"\0" + payload


def parse_envelope(raw: bytes) -> Envelope:
    """Return the envelope of canonical bytes, checked for shape and bounds but not for signature.

    Raises: LimitExceeded, Malformed, UnsupportedVersion.
    """
    envelope = _usual(raw)
    if envelope is None:
        envelope = canonical.load_as(raw, Envelope, bytes_max=ENVELOPE_BYTES_MAX)
    versions.check_carried(envelope.v, "envelope")
    name = str(envelope.name)
    EventName.parse(name)
    if envelope.stream != name:
        EventName.parse(envelope.stream)
    if len(envelope.aud) > AUDIENCE_MAX:
        raise LimitExceeded("audience")
    for code in envelope.aud:
        check_station(code)
    if len(envelope.body) != hashlib.sha256().digest_size:
        raise Malformed("body hash")
    return envelope


def _usual(raw: bytes) -> Envelope | None:
    """Return the envelope if spelling it anew gives the same bytes, so that they are canonical.

    None for whatever is unusual (unknown fields, other than ASCII), to be looked at closely.
    """
    if len(raw) > ENVELOPE_BYTES_MAX or not raw.isascii():
        return None
    try:
        envelope = _DECODER.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    numbers = (envelope.v, envelope.epoch, envelope.pos, envelope.hlc)
    inside = max(numbers) <= canonical.INTEGER_MAX and min(numbers) >= -canonical.INTEGER_MAX
    return envelope if inside and _SORTED.encode(envelope) == raw else None


def check_body(envelope: Envelope, event: Event) -> None:
    """Check that a body, if present, is canonical, small enough and the one the envelope names.

    Raises: LimitExceeded, Malformed.
    """
    if event.body is None:
        return
    if len(event.body) > BODY_BYTES_MAX:
        raise LimitExceeded(f"body of {len(event.body)} bytes")
    if len(event.salt) != SALT_BYTES or body_hash(event.salt, event.body) != envelope.body:
        raise Malformed("body does not match its envelope")
    if not isinstance(canonical.loads(event.body, bytes_max=BODY_BYTES_MAX), dict):
        raise Malformed("body is not an object")
