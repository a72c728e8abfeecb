"""What crosses a link when a node's life is in doubt: asks, evidence, recovered events, heads."""

from __future__ import annotations

import hashlib

import msgspec

from sync.protocol import canonical, statements
from sync.protocol.envelope import Event
from sync.protocol.limits import STATEMENT_BYTES_MAX
from sync.protocol.statements import Statement

LOST = "lost"
"""Reason of a hole: the position was written and no copy within reach holds it."""
LOST_MAX = 4096
"""Lost positions one opening may name; a station that names more names these."""

REWIND = "rewind"
FORK = "fork"
SECOND_COPY = "second_copy"
OLDER_LIFE = "older_life"
RESTORED = "restored"
REBUILT = "rebuilt"
BEHIND = "behind"
REASONS = (REWIND, FORK, SECOND_COPY, OLDER_LIFE, RESTORED, REBUILT, BEHIND)


class Ask(msgspec.Struct, frozen=True):
    """A halted node's request for a voucher, signed with the key of its former epoch.

    Units: milliseconds. Shapes: `key` is a one-use public key made by just this copy, so that the
    voucher names the copy that goes on; `reason` one of `REASONS`; `position` the head it holds.
    """

    v: int
    station: str
    epoch: int
    incarnation: str
    key: bytes
    reason: str
    position: int
    asked_ms: int


class Evidence(msgspec.Struct, frozen=True):
    """Why a log was frozen, said and signed by the node that froze it.

    Shapes: `kind` is `fork` or `second_copy`; of a fork `first` and `second` are two encoded events
    for one position, both signed by the author: a proof to anybody. Of a second copy they are
    canonical JSON of `Seen`: what the two machines said of themselves.
    """

    v: int
    station: str
    epoch: int
    position: int
    kind: str
    at_ms: int
    first: bytes
    second: bytes


class Seen(msgspec.Struct, frozen=True):
    """One of two machines under one identity, as it introduced itself. Units: milliseconds."""

    incarnation: str
    position: int
    chain: bytes
    at_ms: int


class WholeEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event as payload of a statement; `body` is left out when it is not held."""

    envelope: bytes
    signature: bytes
    salt: bytes
    body: bytes | msgspec.UnsetType = msgspec.UNSET


class HeldHole(msgspec.Struct, frozen=True, array_like=True):
    """A position of a log that its holder passed over; `hash` is empty for a lost one."""

    position: int
    reason: str
    hash: bytes


class Head(msgspec.Struct, frozen=True, array_like=True):
    """What a parent holds of one log of its child.

    Shapes: `heard` is the greatest position the child ever spoke of; `holes` those at or below
    `position`.
    """

    epoch: int
    position: int
    chain: bytes
    heard: int
    holes: list[HeldHole] = []


def code_of(key: bytes) -> str:
    """Return the check code of a one-use key, shown at the copy and at central: XXXX-XXXX."""
    digits = hashlib.sha256(key).hexdigest()[:8].upper()
    return f"{digits[:4]}-{digits[4:]}"


def pack_event(event: Event) -> bytes:
    """Return an event as canonical bytes."""
    body = msgspec.UNSET if event.body is None else event.body
    return canonical.dumps(WholeEvent(event.envelope, event.signature, event.salt, body))


def unpack_event(raw: bytes) -> Event:
    """Return the event of canonical bytes; it is not verified yet. Raises: Malformed."""
    whole = canonical.load_as(raw, WholeEvent, bytes_max=STATEMENT_BYTES_MAX)
    body = None if whole.body is msgspec.UNSET else whole.body
    return Event(whole.envelope, whole.signature, whole.salt, body)


def wrap_recovered(event: Event, log: str) -> bytes:
    """Return a recovered event as an encoded statement; the author's signature is the event's."""
    statement = Statement(statements.RECOVERED, pack_event(event), event.signature, log)
    return statements.encode(statement)


def recovered_ref(name: str, event: Event) -> str:
    """Return under which ref a recovered event travels: its name and the start of its hash."""
    return f"{name}/{event.hash.hex()[:16]}"
