"""Ports through which the engine reads and writes; adapters live in `store`, `signing` and tests.

All state goes through a `Transaction` that its caller opened and will commit or roll back. Values
handed in and out are immutable.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

import msgspec

from sync.protocol import digest
from sync.protocol.envelope import Check, Envelope, Event
from sync.protocol.names import EventName, LogName
from sync.protocol.register_table import RegisterTable

GOOD = "good"
INCOMPLETE = "incomplete"
"""Cannot be judged yet: what would give its author the right has not arrived."""
SET_ASIDE = "set_aside"
"""Verified and held, but against the audience rule: not routed, not applied, shown to a person."""
REVOKED = "revoked"
"""Above the cut of a revoked station, or by a right given only there: held as evidence, receipted,
handed up, never routed down, never applied; a raised cut may make it good."""
RECOVERED = "recovered"
"""Signed by its author, and no part of its log any more: shown, to be checked by a person. It does
not stand under its name: another event may, and several recovered ones have the same."""


class Signer(Protocol):
    """Signs for one node."""

    def public_key(self) -> bytes: ...

    def sign(self, message: bytes) -> bytes: ...


class Verifier(Protocol):
    """Checks a signature under a public key; answers do not depend on what it was told ahead."""

    def foresee(self, checks: Sequence[Check]) -> None: ...

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool: ...


class Chance(Protocol):
    """Source of unpredictable bytes."""

    def bytes(self, count: int) -> bytes: ...


class StoredEvent(msgspec.Struct, frozen=True):
    """An event as held here.

    Shapes: `arrival` counts up in the order of storing (0 before it is stored); `source` is ""
    for own acts, else the station code of the neighbour it came from; `standing` is one of the
    constants above and `reason` the stable code when it is not `good`; `chain` is the check sum
    of its log up to and with it, empty where the log is not held gapless.
    """

    name: EventName
    hlc: int
    stream: str
    type: str
    actor: str
    audience: tuple[str, ...]
    event: Event
    received_ms: int
    source: str = ""
    standing: str = GOOD
    reason: str = ""
    arrival: int = 0
    chain: bytes = b""

    @classmethod
    def of(
        cls, envelope: Envelope, event: Event, received_ms: int, *, source: str = "",
        chain: bytes = b"",
    ) -> StoredEvent:  # fmt: skip
        """Return an event as it is held once its envelope was read; not stored by this."""
        return cls(
            name=envelope.name,
            hlc=envelope.hlc,
            stream=envelope.stream,
            type=envelope.type,
            actor=envelope.actor,
            audience=tuple(envelope.aud),
            event=event,
            received_ms=received_ms,
            source=source,
            chain=chain,
        )


class LogState(msgspec.Struct, frozen=True):
    """A gapless log held here: this station's own, or one of its subtree's.

    Shapes: `position`, `chain` are the head; `parent_position` what the parent's receipt covers;
    `central_position`, `backup_position` the higher rungs; `frozen` a reason or "".
    """

    name: LogName
    position: int
    chain: bytes
    source: str = ""
    parent_position: int = 0
    central_position: int = 0
    backup_position: int = 0
    frozen: str = ""


class Refused(NamedTuple):
    """A hole in a log held here."""

    log: LogName
    position: int
    reason: str
    hash: bytes


class OutboxItem(NamedTuple):
    """One thing a link still owes: `kind` is `event` or a statement kind, `ref` names it."""

    sequence: int
    kind: str
    ref: str


class ChildLink(msgspec.Struct, frozen=True):
    """What a parent keeps of one child.

    Shapes: `digest` sums what the child should hold of what it did not write itself, reckoned by
    tree `tree`; `health` is canonical JSON or empty; tokens and challenge are the ratchet's.
    """

    station: str
    epoch: int
    incarnation: str
    token: bytes = b""
    token_before: bytes = b""
    challenge: bytes = b""
    acknowledged: int = 0
    digest: bytes = digest.EMPTY
    healed: bytes = b""
    last_contact_ms: int = 0
    first_contact_ms: int = 0
    rounds: int = 0
    suspect: str = ""
    health: bytes = b""


class ParentLink(msgspec.Struct, frozen=True):
    """What a child keeps of its parent.

    Shapes: `received` is the last link sequence durably held; `nonce` that of the round in flight,
    `challenge` one to be quoted next; `told_editions` whether the present incarnation knows ours;
    `dictionary` the newest shared one it said it has.
    """

    station: str
    incarnation: str = ""
    token: bytes = b""
    challenge: bytes = b""
    nonce: bytes = b""
    received: int = 0
    digest: bytes = digest.EMPTY
    told_editions: bool = False
    last_attempt_ms: int = 0
    last_success_ms: int = 0
    failures: int = 0
    verdict: str = ""
    hint_ms: int = 0
    dictionary: int = 0


class MetaTable(Protocol):
    """Small settings of the node itself."""

    def meta(self, key: str) -> str | None: ...

    def set_meta(self, key: str, value: str) -> None: ...


class LogTable(Protocol):
    """Certificates, gapless logs and their holes."""

    def certificate(self, log: LogName) -> bytes | None: ...

    def put_certificate(self, log: LogName, raw: bytes) -> None: ...

    def log(self, name: LogName) -> LogState | None: ...

    def put_log(self, state: LogState) -> None: ...

    def logs(self, *, source: str = "", frozen: bool = False) -> Sequence[LogState]:
        """Logs in the order of their names; of one child, or frozen ones of it, where asked."""

    def logs_unsent(self) -> Sequence[LogState]:
        """Logs whose head lies beyond the parent's receipt, oldest unsent arrival first."""

    def refuse(self, refused: Refused) -> None: ...

    def refusals(self, log: LogName) -> Sequence[Refused]: ...

    def doubts(self, name: EventName) -> int:
        """Return how often this position came and did not verify; see `doubt`."""

    def doubt(self, name: EventName) -> None: ...


class EventTable(Protocol):
    """Events, their streams and audiences. Events are never changed but for their standing."""

    def foresee(self, names: Iterable[EventName], streams: Iterable[str]) -> None:
        """Be told what a frame is about to ask for; what is answered does not depend on it."""

    def event(self, name: EventName) -> StoredEvent | None:
        """Return what stands under a name; never a recovered event."""

    def recovered(self, name: EventName) -> Sequence[StoredEvent]:
        """Return the recovered events of a name in arrival order."""

    def put_event(self, stored: StoredEvent) -> StoredEvent:
        """Store one event and return it with its arrival number.

        The name must be new, unless the event comes in as recovered.
        """

    def set_standing(self, name: EventName, standing: str, reason: str) -> None:
        """Change how the event under a name stands; made recovered, it leaves the name free."""

    def drop_body(self, name: EventName) -> int:
        """Forget the salt and body of an event held here; return how many bytes they had."""

    def drop_recovered_bodies(self, name: EventName) -> int:
        """Forget salt and body of every recovered event of a name; return how many had one."""

    def restore_body(self, name: EventName, salt: bytes, body: bytes) -> None:
        """Put back the salt and body of an event held without them."""

    def log_events(self, log: LogName, after: int, limit: int) -> Sequence[StoredEvent]:
        """Events of a log in position order, from `after` exclusive, without recovered ones."""

    def stream_events(self, stream: str) -> Sequence[StoredEvent]:
        """All events of a stream in arrival order, whatever their standing."""

    def events_after(self, arrival: int, limit: int) -> Sequence[StoredEvent]:
        """Events in arrival order, from `arrival` exclusive, whatever their standing."""

    def events_standing(self, standing: str, limit: int) -> Sequence[StoredEvent]: ...

    def event_count(self) -> int: ...

    def epochs(self, station: str) -> Sequence[int]:
        """Epochs of a station of which any event is held, in order."""

    def audience(self, stream: str) -> frozenset[str]: ...

    def add_audience(self, stream: str, stations: Iterable[str]) -> None: ...

    def streams_of(self, stations: Iterable[str]) -> Sequence[str]:
        """Streams whose audience meets `stations`, in name order."""


class LinkTable(Protocol):
    """Links, routes and outboxes. Reading an outbox never deletes; `acknowledge` does."""

    def child_link(self, station: str) -> ChildLink | None: ...

    def put_child_link(self, link: ChildLink) -> None: ...

    def child_links(self) -> Sequence[ChildLink]: ...

    def parent_link(self) -> ParentLink | None: ...

    def put_parent_link(self, link: ParentLink) -> None: ...

    def routes(self, stream: str) -> frozenset[str]:
        """Return the children a stream is routed to."""
        ...

    def add_route(self, stream: str, link: str) -> None: ...

    def drop_route(self, stream: str, link: str) -> None: ...

    def streams_routed(self, link: str) -> frozenset[str]: ...

    def enqueue(self, link: str, kind: str, ref: str) -> None:
        """Owe `ref` to a link; owed already, it takes a new place at the end."""
        ...

    def outbox(self, link: str, after: int, limit: int) -> Sequence[OutboxItem]: ...

    def outbox_count(self, link: str) -> int: ...

    def acknowledge(self, link: str, through: int) -> None: ...

    def last_sequence(self, link: str) -> int:
        """Return the greatest sequence ever given on this link (0 when none)."""
        ...


class StatementTable(Protocol):
    """Newest statement of each (kind, ref), as its encoded bytes."""

    def statement(self, kind: str, ref: str) -> bytes | None: ...

    def put_statement(self, kind: str, ref: str, raw: bytes) -> None: ...

    def drop_statement(self, kind: str, ref: str) -> None: ...

    def statements(self, kind: str) -> Sequence[tuple[str, bytes]]: ...


class Transaction(
    MetaTable, LogTable, EventTable, LinkTable, StatementTable, RegisterTable, Protocol
):
    """Everything the engine may touch, inside one transaction of its caller."""

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo what the block did, and only that, when it raises."""
        ...


class Store(Protocol):
    """Opens transactions; a write commits on leaving the block and rolls back on an exception."""

    def write(self) -> AbstractContextManager[Transaction]: ...

    def read(self) -> AbstractContextManager[Transaction]: ...

    def scrub(self) -> None:
        """Leave no trace of dropped or overwritten content in the store's own files."""
        ...


class BlobStore(Protocol):
    """Content-addressed files by hash; a piece may arrive in any order and more than once."""

    def size(self, sha256: str) -> int | None:
        """Return the size of a complete blob, None when it is missing or incomplete."""
        ...

    def received(self, sha256: str) -> int:
        """Return how many bytes are held contiguously from 0."""
        ...

    def read(self, sha256: str, offset: int, count: int) -> bytes: ...

    def put(self, data: bytes) -> str:
        """Store a whole blob and return its name."""
        ...

    def put_piece(self, sha256: str, size: int, offset: int, data: bytes) -> bool:
        """Store a piece; return True when the blob is now complete and its hash right.

        A blob whose hash comes out wrong is set aside and asked for anew.
        """
        ...

    def verify(self, sha256: str) -> bool:
        """Return whether a complete blob still has its hash; one that has not is set aside."""
        ...

    def aside(self) -> Sequence[BlobAside]:
        """Return what was set aside, newest first; only the newest are kept."""
        ...

    def partial(self) -> Sequence[str]:
        """Return the names of blobs under way."""
        ...

    def forget(self, sha256: str) -> None:
        """Drop a blob, whole or under way; unknown ones are no error."""
        ...


class BlobAside(NamedTuple):
    """Bytes that were not what their name says."""

    sha256: str
    reason: str
    bytes: int
