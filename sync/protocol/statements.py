"""Signed statements other than events: what they say, and the envelope they share.

A statement is (kind, payload, signature, signer). The payload is canonical JSON and is stored and
forwarded as received; the kind is part of what is signed, so one cannot be passed off as another.
Signers are written `authority` or `STATION/EPOCH`, or `voucher` for the one-use key of a voucher.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from sync.protocol import canonical
from sync.protocol.envelope import signed_message
from sync.protocol.limits import STATEMENT_BYTES_MAX

T = TypeVar("T")

AUTHORITY = "authority"
BY_VOUCHER = "voucher"

VOUCHER = "voucher"
CERTIFICATE = "certificate"
RECEIPT = "receipt"
TIME_MARK = "time_mark"
ATTACHMENT = "attachment"
REVOCATION = "revocation"
PURGE = "purge"
ORDER = "order"
MANIFEST = "manifest"
ASK = "ask"
EVIDENCE = "evidence"
RECOVERED = "recovered"
"""Asks, evidence and recovered events: their payloads stand in `lives`."""
KINDS = frozenset(
    {
        VOUCHER, CERTIFICATE, RECEIPT, TIME_MARK, ATTACHMENT, REVOCATION, PURGE, MANIFEST, ASK,
        EVIDENCE, RECOVERED,
    }
)  # fmt: skip
"""What this release acts on. Another kind, an order too, is held and handed on as it came."""


class Statement(msgspec.Struct, frozen=True):
    """One signed statement, as stored and forwarded."""

    kind: str
    payload: bytes
    signature: bytes
    signer: str

    def message(self) -> bytes:
        """Return what the signature covers."""
        return signed_message(self.kind, self.payload)

    def read(self, shape: type[T]) -> T:
        """Return the payload as `shape`. Raises: Malformed, LimitExceeded."""
        return canonical.load_as(self.payload, shape, bytes_max=STATEMENT_BYTES_MAX)


class _Received(Statement, frozen=True):
    """A statement with members this release does not know: its bytes are kept as they came."""

    raw: bytes


def encode(statement: Statement) -> bytes:
    """Return the canonical bytes of a statement, of one received just those."""
    return statement.raw if isinstance(statement, _Received) else canonical.dumps(statement)


def decode(raw: bytes) -> Statement:
    """Return the statement of canonical bytes. Raises: Malformed, LimitExceeded."""
    found = canonical.load_as(raw, Statement, bytes_max=2 * STATEMENT_BYTES_MAX)
    if canonical.dumps(found) == raw:
        return found
    return _Received(found.kind, found.payload, found.signature, found.signer, raw)


class Voucher(msgspec.Struct, frozen=True):
    """The authority's leave to open one epoch of one station with a key made on the spot.

    Units: milliseconds. Shapes: `profile` is `online` or `ferry`; `key` the one-use public key.
    """

    v: int
    station: str
    epoch: int
    key: bytes
    issued_ms: int
    not_after_ms: int
    profile: str
    serial: str


class Certificate(msgspec.Struct, frozen=True):
    """Authority -> voucher -> station key. Opens an epoch; verified by any relay, offline.

    Shapes: `voucher` is an encoded Statement; signed with the voucher's one-use key.
    """

    v: int
    station: str
    epoch: int
    sign_key: bytes
    encrypt_key: bytes
    voucher: bytes


class TimeMark(msgspec.Struct, frozen=True, omit_defaults=True):
    """Central's word for what time it is, carried down as it is.

    The greater (`incarnation`, `serial`) is the newer, so that a clock of central which was put
    right again is believed though it now shows less.
    """

    v: int
    at_ms: int
    incarnation: str
    serial: int = 0


class Attachment(msgspec.Struct, frozen=True):
    """A station's word for who its parent is now; the greater `since_ms` is the newer."""

    v: int
    station: str
    parent: str
    since_ms: int


class Cut(msgspec.Struct, frozen=True, array_like=True):
    """How far one epoch of a revoked station is still trusted: its last good position."""

    epoch: int
    last_good: int


class Revocation(msgspec.Struct, frozen=True):
    """A station is trusted no longer: above its cuts nothing is applied anywhere.

    Shapes: of an epoch without a cut nothing is good, unless it is `trusted_from` or later (0: no
    such epoch, the station is refused altogether). The greater `issued_ms` is the newer.
    """

    v: int
    station: str
    cuts: list[Cut]
    trusted_from: int
    issued_ms: int
    reason: str

    def trusts(self, epoch: int) -> bool:
        """Return whether a whole epoch is trusted again."""
        return bool(self.trusted_from) and epoch >= self.trusted_from

    def above_cut(self, epoch: int, position: int) -> bool:
        """Return whether an event of this station is not to be applied."""
        good = max((cut.last_good for cut in self.cuts if cut.epoch == epoch), default=0)
        return position > good and not self.trusts(epoch)


class Purge(msgspec.Struct, frozen=True):
    """Bodies to be erased wherever they are or may turn up; `issued_ms` tells purges apart.

    Shapes: `events` are event names, in order; `basis` says by what rule or order.
    """

    v: int
    events: list[str]
    basis: str
    issued_ms: int


class Order(msgspec.Struct, frozen=True):
    """A signed order for a `pull` or `stick` station: one verb of a closed list."""

    v: int
    station: str
    verb: str
    arguments: dict[str, str]
    issued_ms: int
    not_after_ms: int
    serial: str


class Below(msgspec.Struct, frozen=True, array_like=True):
    """What is known of one station further down: when its own parent heard of it, and what it said.

    Units: milliseconds, counts. Further members are added at the end.
    """

    heard_ms: int
    unsent: int = 0
    oldest_unsent_ms: int = 0
    set_aside: int = 0
    release: str = ""


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a node says of itself in a round when it changed; unsigned, hop by hop.

    Units: bytes, milliseconds, counts. Shapes: `below` maps each station of its subtree to
    what is known of it; `oldest_below_central_ms` is when the oldest own event was written that
    central has not receipted, 0 when it has them all; `waiting` says the same of those stations of
    the subtree that have any.
    """

    release: str
    started_ms: int
    unsent: int = 0
    oldest_unsent_ms: int = 0
    set_aside: int = 0
    database_bytes: int = 0
    disk_free_bytes: int = 0
    clock_offset_ms: int = 0
    clock_trusted: bool = False
    below: dict[str, Below] = {}
    oldest_below_central_ms: int = 0
    waiting: dict[str, int] = {}
