"""A fact of this station: signed, chained, stored and routed in its caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from sync.engine import audience, clock, halt, revocation, tree
from sync.engine.core import Core
from sync.protocol import canonical
from sync.protocol.bodies import EpochOpened
from sync.protocol.envelope import (
    EPOCH_OPENED,
    SALT_BYTES,
    Envelope,
    Event,
    body_hash,
    check_body,
    parse_envelope,
    signed_message,
)
from sync.protocol.limits import PROTOCOL_VERSION
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import LogState, StoredEvent, Transaction
from sync.protocol.receipts import chain_next, chain_start

ALGORITHM = "ed25519"
NODE = "node"
"""Actor of acts by rule and of the node's own bookkeeping."""


def own_log(core: Core, transaction: Transaction) -> LogState:
    """Return the head of this station's present log."""
    return transaction.log(core.log) or LogState(core.log, 0, chain_start(core.log))


def record(
    core: Core,
    transaction: Transaction,
    now_ms: int,
    *,
    stream: str | None,
    kind: str,
    actor: str,
    added: Sequence[str],
    body: Mapping[str, Any],
) -> StoredEvent:
    """Return a new event of this station as stored; `stream` None opens one named after it.

    Bounds: `limits` for envelope, body and audience; what exceeds them is refused here, unsaved.
    Durable when: the caller's transaction commits.
    Raises: LimitExceeded, Malformed; LogStopped while the own log may not grow.
    """
    halt.require_running(transaction)
    log = own_log(core, transaction)
    name = EventName(core.station, core.epoch, log.position + 1)
    body_bytes = canonical.dumps(dict(body))
    salt = core.chance.bytes(SALT_BYTES)
    envelope = Envelope(
        v=PROTOCOL_VERSION,
        alg=ALGORITHM,
        station=core.station,
        epoch=core.epoch,
        pos=name.position,
        hlc=clock.tick(transaction, now_ms),
        stream=stream or str(name),
        type=kind,
        actor=actor,
        body=body_hash(salt, body_bytes),
        aud=sorted(set(added)),
    )
    raw = canonical.dumps(envelope)
    signature = core.signer.sign(signed_message("event", raw))
    event = Event(raw, signature, salt, body_bytes)
    check_body(parse_envelope(raw), event)
    chain = chain_next(log.chain, event.hash)
    shape = tree.load(core, transaction, now_ms)
    stored = StoredEvent.of(envelope, event, now_ms, chain=chain)
    standing, reason = audience.judge(core, shape, transaction, stored)
    stored = transaction.put_event(replace(stored, standing=standing, reason=reason))
    transaction.put_log(replace(log, position=name.position, chain=chain))
    revocation.settle(core, shape, transaction, stored)
    return stored


def open_epoch(
    core: Core,
    transaction: Transaction,
    now_ms: int,
    before: LogName | None,
    position: int,
    lost: Sequence[list[int]] = (),
) -> StoredEvent:
    """Return the first event of this epoch, which names the epoch before and its last position.

    Shapes: `lost` are runs [first, last] of positions of the epoch before.
    Idempotent: an epoch already opened returns its first event again.
    """
    held = transaction.event(EventName(core.station, core.epoch, 1))
    if held is not None:
        return held
    transaction.put_certificate(core.log, core.certificate)
    opened = EpochOpened(before.epoch if before else 0, position, list(lost))
    return record(
        core,
        transaction,
        now_ms,
        stream=None,
        kind=EPOCH_OPENED,
        actor=NODE,
        added=(),
        body=msgspec.to_builtins(opened),
    )
