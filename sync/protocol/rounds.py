"""The two headers of a round, and its verdicts.

The child's hello and the parent's answer are each signed by their node; frames of events,
statements and blobs follow them and carry their own proofs.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from sync.protocol import canonical, versions
from sync.protocol.digest import MARK_BYTES, MARKS_MAX
from sync.protocol.envelope import signed_message
from sync.protocol.errors import LimitExceeded, Malformed
from sync.protocol.limits import (
    BODIES_WANTED_MAX,
    LACKING_MAX,
    RECEIPTS_MAX,
    STATEMENT_BYTES_MAX,
)
from sync.protocol.lives import Head
from sync.protocol.names import check_incarnation
from sync.protocol.receipts import LogReceipt
from sync.protocol.registers import check_editions
from sync.protocol.statements import Health

H = TypeVar("H", bound="Hello | Answer")

OK = "ok"
PROVE = "prove"
REWIND = "rewind"
FORK = "fork"
REVOKED = "revoked"
BUSY = "busy"
APART = "versions_apart"
"""Booked by a child whose round was refused for its version; no answer says it."""
VERDICTS = (OK, PROVE, REWIND, FORK, REVOKED, BUSY)

KNOWN_BYTES_MAX = MARK_BYTES * MARKS_MAX
NONCE_BYTES = 8
TOKEN_BYTES = 16


class Hole(msgspec.Struct, frozen=True, array_like=True):
    """A position this node cannot hand on: refused here, or lost with its author's disk."""

    station: str
    epoch: int
    position: int
    reason: str
    hash: bytes


class OwnLog(msgspec.Struct, frozen=True, array_like=True):
    """From which position on a halted node wants one of its own logs back."""

    epoch: int
    after: int


class Lacking(msgspec.Struct, frozen=True, array_like=True):
    """Positions of a log after `after` up to `through` that this node took over unseen."""

    station: str
    epoch: int
    after: int
    through: int


class Hello(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={
        "station": "s",
        "epoch": "e",
        "incarnation": "i",
        "nonce": "n",
        "token": "t",
        "proof": "p",
        "position": "o",
        "chain": "c",
        "acknowledged": "a",
        "acknowledged_incarnation": "ai",
        "digest": "d",
        "tree": "tr",
        "editions": "ed",
        "holes": "h",
        "health": "he",
        "dictionary": "di",
        "ask_receipts": "ar",
        "given": "g",
        "ask": "q",
        "own": "ow",
        "fetching": "fb",
        "budget": "bu",
        "lacking": "la",
        "bodies": "b",
        "known": "k",
    },
):
    """What a child says first in a round.

    Shapes: `token` is the ratchet token last received (empty on first contact); `proof` quotes
    the nonce of a `prove` answer; `position`, `chain` are the head of the child's own log;
    `acknowledged` is the last link sequence durably held of what the parent whose incarnation is
    `acknowledged_incarnation` sent; `digest` sums what was held of it; `tree` names the edition of
    the tree the digest was reckoned by; `editions` maps shelf to edition, sent when they changed;
    `given` is the position of the child's own log in the last receipt of `acknowledged_incarnation`
    (-1: all of it); `ask` is an encoded statement by which a halted node asks for a voucher,
    `fetching` says that it wants its own logs back, those named in `own` from there on.
    `lacking` asks for what lies before the logs this node took over from a moved station;
    `budget` is how many bytes the answer should take at most, 0 if the child does not care.
    `fetching` says that it wants its own logs back, those named in `own` from there on; `bodies`
    names events whose body is asked for; `known` are the marks (see `digest`) of what a child that
    is new here holds of what a parent tells first.
    """

    v: int
    station: str
    epoch: int
    incarnation: str
    nonce: bytes
    token: bytes
    position: int
    chain: bytes
    acknowledged: int
    acknowledged_incarnation: str
    digest: bytes
    tree: str
    proof: bytes = b""
    editions: dict[str, int] = {}
    holes: list[Hole] = []
    health: Health | None = None
    dictionary: int = 0
    ask_receipts: bool = False
    given: int = -1
    ask: bytes = b""
    own: list[OwnLog] = []
    fetching: bool = False
    budget: int = 0
    lacking: list[Lacking] = []
    bodies: list[str] = []
    known: bytes = b""


class Answer(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={
        "station": "s",
        "epoch": "e",
        "incarnation": "i",
        "nonce": "n",
        "verdict": "vd",
        "token": "t",
        "challenge": "ch",
        "receipts": "r",
        "through": "th",
        "more": "m",
        "digest": "d",
        "tree": "tr",
        "frozen": "f",
        "hint_ms": "hi",
        "statements": "st",
        "reason": "re",
        "dictionary": "di",
        "heads": "hd",
        "heads_told": "ht",
    },
):
    """What the parent answers first.

    Shapes: `nonce` repeats the hello's; `token` is the next ratchet token; `challenge` comes with
    `prove`; `receipts` for every log that moved; `through` is the last link sequence in this
    answer, `more` says that the budget cut it; `frozen` names logs not taken any further.
    `statements` is the last sequence of the child's own outbox taken in this request; `heads` what
    is held here of the child's own logs, said to one that is behind or is fetching them back.
    Units: `hint_ms` says when to come back.
    """

    v: int
    station: str
    epoch: int
    incarnation: str
    nonce: bytes
    verdict: str
    token: bytes = b""
    challenge: bytes = b""
    receipts: list[LogReceipt] = []
    through: int = 0
    more: bool = False
    digest: bytes = b""
    tree: str = ""
    frozen: list[str] = []
    hint_ms: int = 0
    statements: int = 0
    reason: str = ""
    dictionary: int = 0
    heads: list[Head] = []
    heads_told: bool = False


def encode_header(signature: bytes, payload: bytes) -> bytes:
    """Return a hello or answer as it stands in its frame: length, signature, payload."""
    return bytes([len(signature)]) + signature + payload


def split_header(raw: bytes) -> tuple[bytes, bytes]:
    """Return (signature, payload) of a hello or answer frame. Raises: Malformed."""
    length = raw[0] if raw else 0
    if len(raw) < 1 + length:
        raise Malformed("round header")
    return raw[1 : 1 + length], raw[1 + length :]


def hello_message(to: str, payload: bytes) -> bytes:
    """Return what the signature of a hello covers: it is worth nothing to another than `to`."""
    return signed_message(f"hello/{to}", payload)


def answer_message(payload: bytes) -> bytes:
    """Return what the signature of an answer covers; its nonce ties it to its round."""
    return signed_message("answer", payload)


def decode_header(raw: bytes, shape: type[H]) -> H:
    """Return a hello or an answer. Raises: Malformed, LimitExceeded, UnsupportedVersion."""
    header = canonical.load_as(raw, shape, bytes_max=STATEMENT_BYTES_MAX)
    versions.check_neighbour(header.v, "round")
    check_incarnation(header.incarnation)
    if isinstance(header, Hello):
        check_editions(header.editions)
        if len(header.lacking) > LACKING_MAX:
            raise LimitExceeded("lacking")
        if len(header.bodies) > BODIES_WANTED_MAX or len(header.known) > KNOWN_BYTES_MAX:
            raise LimitExceeded("hello")
    elif len(header.receipts) > RECEIPTS_MAX:
        raise LimitExceeded("receipts")
    return header
