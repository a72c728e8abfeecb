"""What a broken or hostile station might send: events put past its own checks, frames rewritten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from node.program import Node
from sync.engine import record
from sync.protocol import canonical, frames, rounds
from sync.protocol.envelope import SALT_BYTES, Event, body_hash, signed_message
from sync.protocol.frames import Frame
from sync.protocol.names import EventName
from sync.protocol.ports import Signer, StoredEvent
from sync.protocol.receipts import chain_next
from sync.protocol.rounds import Hello
from tests.integration.tree_world import TOWNSHIP

SALT = bytes(SALT_BYTES)


def envelope_of(node: Node, position: int, body: bytes, **changes: Any) -> dict[str, Any]:
    """Return the fields of an honest envelope of a node, with some changed."""
    core = node.core
    name = f"{core.station}/{core.epoch}/{position}"
    fields: dict[str, Any] = {
        "v": 1,
        "alg": "ed25519",
        "station": core.station,
        "epoch": core.epoch,
        "pos": position,
        "hlc": node.clock_ms() * 1024,
        "stream": name,
        "type": "x.forged",
        "actor": "node",
        "body": body_hash(SALT, body),
    }
    return {**fields, **changes}


def plant(
    node: Node,
    *,
    body: bytes = b"{}",
    signer: Signer | None = None,
    spelling: Callable[[bytes], bytes] = bytes,
    **changes: Any,
) -> EventName:
    """Put an event into a node's own log past its checks; its next rounds carry it.

    Shapes: `spelling` rewrites the canonical envelope before it is signed by `signer` (default:
    the node); `changes` are envelope fields.
    """
    with node.database.write() as transaction:
        log = record.own_log(node.core, transaction)
        position = log.position + 1
        fields = envelope_of(node, position, body, **changes)
        raw = spelling(canonical.dumps(fields))
        signature = (signer or node.core.signer).sign(signed_message("event", raw))
        event = Event(raw, signature, SALT, body)
        name = EventName(node.core.station, node.core.epoch, position)
        chain = chain_next(log.chain, event.hash)
        transaction.put_event(
            StoredEvent(
                name=name,
                hlc=fields["hlc"],
                stream=fields["stream"],
                type=fields["type"],
                actor="node",
                audience=(),
                event=event,
                received_ms=node.clock_ms(),
                chain=chain,
            )
        )
        transaction.put_log(replace(log, position=position, chain=chain))
    return name


def rewritten(raw: bytes, change: Callable[[Frame], Frame | None]) -> bytes:
    """Return a body whose frames went through `change`; None drops one. Check sums are right."""
    changed = (change(frame) for frame in frames.decode_stream(raw))
    return frames.encode_stream(frame for frame in changed if frame is not None)


def with_hello(raw: bytes, signer: Signer, *, to: str = TOWNSHIP, **changes: Any) -> bytes:
    """Return a request whose hello has other fields and is signed by `signer` for a node."""

    def change(frame: Frame) -> Frame:
        if frame.type != frames.HELLO:
            return frame
        hello = rounds.decode_header(rounds.split_header(frame.payload)[1], Hello)
        payload = canonical.dumps(replace(hello, **changes))
        signature = signer.sign(rounds.hello_message(to, payload))
        return Frame(frames.HELLO, rounds.encode_header(signature, payload))

    return rewritten(raw, change)


def unsigned_change(raw: bytes, **changes: Any) -> bytes:
    """Return a request whose hello was altered on the way, its signature left as it was."""

    def change(frame: Frame) -> Frame:
        if frame.type != frames.HELLO:
            return frame
        signature, payload = rounds.split_header(frame.payload)
        hello = rounds.decode_header(payload, Hello)
        altered = canonical.dumps(replace(hello, **changes))
        return Frame(frames.HELLO, rounds.encode_header(signature, altered))

    return rewritten(raw, change)
