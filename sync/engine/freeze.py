"""Two contents, or two machines, under one identity: that one log is frozen, with its evidence.

Evidence is signed by the node that noticed and travels up. A fork proves itself: two events for one
position, both signed by their author. A second copy is the word of the parent that met both.
"""

from __future__ import annotations

from msgspec.structs import replace

from sync.engine import purge, recovery, routing, trust
from sync.engine.core import Core, Effects, count
from sync.engine.tree import Tree
from sync.protocol import canonical, statements
from sync.protocol.envelope import Event, parse_envelope, signed_message
from sync.protocol.errors import BadSignature, PeerProtocolError
from sync.protocol.limits import PROTOCOL_VERSION
from sync.protocol.lives import FORK, SECOND_COPY, Evidence, Seen, pack_event, unpack_event
from sync.protocol.names import EventName, LogName
from sync.protocol.ports import LogState, Transaction
from sync.protocol.statements import Statement


def fork(
    core: Core, transaction: Transaction, now_ms: int, log: LogState, held: Event, other: Event
) -> None:
    """Freeze a log for which two signed contents of one position were met."""
    name = parse_envelope(held.envelope).name
    first, second = (pack_event(purge.spared(transaction, name, one)) for one in (held, other))
    _freeze(core, transaction, now_ms, log, name.position, FORK, first, second)


def second_copy(
    core: Core, transaction: Transaction, now_ms: int, log: LogState, held: Seen, other: Seen
) -> None:
    """Freeze a log two machines go on with at the same time."""
    kind = SECOND_COPY if held.chain == other.chain or held.position != other.position else FORK
    _freeze(
        core, transaction, now_ms, log, log.position, kind,
        canonical.dumps(held), canonical.dumps(other),
    )  # fmt: skip


def _freeze(
    core: Core,
    transaction: Transaction,
    now_ms: int,
    log: LogState,
    position: int,
    kind: str,
    first: bytes,
    second: bytes,
) -> None:
    if not log.frozen:
        transaction.put_log(replace(log, frozen=kind))
        count(transaction, "logs_frozen")
    ref = f"{log.name.station}/{log.name.epoch}/{position}"
    if transaction.statement(statements.EVIDENCE, ref) is not None:
        return
    evidence = Evidence(PROTOCOL_VERSION, *log.name, position, kind, now_ms, first, second)
    said = trust.sign(core, statements.EVIDENCE, canonical.dumps(evidence))
    _put(core, transaction, ref, said)


def _put(core: Core, transaction: Transaction, ref: str, said: Statement) -> None:
    transaction.put_statement(statements.EVIDENCE, ref, statements.encode(said))
    if not core.is_root:
        transaction.enqueue(routing.UP, statements.EVIDENCE, ref)


def take(
    core: Core, tree: Tree, transaction: Transaction, said: Statement, source: str, effects: Effects
) -> None:
    """Take evidence a child hands up; a fork that proves itself freezes the log here too.

    Raises: BadSignature, NoCertificate, Malformed.
    """
    witness = trust.signed_by_station(core, transaction, said)
    evidence = said.read(Evidence)
    below = tree.subtree(source)
    if witness not in below or evidence.station not in below:
        raise BadSignature("evidence from elsewhere")
    log = LogName(evidence.station, evidence.epoch)
    ref = f"{log.station}/{log.epoch}/{evidence.position}"
    if transaction.statement(statements.EVIDENCE, ref) is not None:
        return
    if purge.basis_of(transaction, EventName(*log, evidence.position)) is None:
        _put(core, transaction, ref, said)  # else it goes no further: it quotes what was erased
        effects.news = True
    held = transaction.log(log)
    proved = evidence.kind == FORK and _proves(core, transaction, evidence)
    if held is None or held.frozen or recovery.closed_at(transaction, log) is not None:
        return
    if proved and held.position >= evidence.position:
        transaction.put_log(replace(held, frozen=FORK))
        count(transaction, "logs_frozen")


def _proves(core: Core, transaction: Transaction, evidence: Evidence) -> bool:
    """Return whether both contents are the author's own for the one position."""
    try:
        pair = [unpack_event(raw) for raw in (evidence.first, evidence.second)]
        envelopes = [parse_envelope(event.envelope) for event in pair]
        key = trust.station_key(core, transaction, LogName(evidence.station, evidence.epoch))
    except PeerProtocolError:
        return False
    name = (evidence.station, evidence.epoch, evidence.position)
    signed = all(
        core.verifier.verify(key, signed_message("event", e.envelope), e.signature) for e in pair
    )
    return (
        signed
        and all(envelope.name == name for envelope in envelopes)
        and pair[0].envelope != pair[1].envelope
    )
