"""Seeded bugs of revocation and purge, and of what brings their effect to the pages."""

from __future__ import annotations

from typing import Any

from node import missing, waiting
from sync.engine import audience, fetching, notices, purge, revocation, routing
from sync.protocol.errors import BadSignature
from sync.protocol.names import LogName
from tests.simulation.planting import Patch


def cut_forgets_late() -> list[Patch]:
    """A cut counts for what is held when it is heard, and not for what comes later."""

    def judge(core: Any, tree: Any, transaction: Any, event: Any) -> Any:
        members = audience.members_of(tree, transaction, event.stream)
        return audience.judge_by(core, tree, members, event)

    def settle(core: Any, shape: Any, transaction: Any, event: Any) -> None:
        routing.settle(core, shape, transaction, event)

    return [(audience, "judge", judge), (revocation, "settle", settle)]


def cut_only_late() -> list[Patch]:
    """A cut counts for what comes after it was heard, and not for what is held."""
    return [(revocation, "_streams_between", lambda *_: [])]


def trust_releases_nothing() -> list[Patch]:
    """A station trusted again is let in, and what was held back of it stays held back."""
    original = revocation._streams_between

    def streams(transaction: Any, before: Any, fresh: Any) -> Any:
        return [] if fresh.trusted_from else original(transaction, before, fresh)

    return [(revocation, "_streams_between", streams)]


def rights_outlive_cut() -> list[Patch]:
    """Who was let into a case only above a cut goes on writing to it."""
    original = revocation._judge_stream
    members: list[frozenset[str]] = []

    def judge_stream(core: Any, shape: Any, transaction: Any, stream: str) -> bool:
        members[:] = [transaction.audience(stream)]
        return original(core, shape, transaction, stream)

    def standings(core: Any, shape: Any, events: Any, vouched: Any) -> Any:
        return {e.name: audience.judge_by(core, shape, members[0], e) for e in events}

    return [(revocation, "_judge_stream", judge_stream), (revocation, "_standings", standings)]


def attachment_refused_for_good() -> list[Patch]:
    """The attachment of a revoked station is refused, and so are all hopes of it later."""
    original = notices._attachment

    def attachment(core: Any, transaction: Any, now_ms: int, statement: Any, *rest: Any) -> Any:
        if revocation.refuses(transaction, LogName.parse(statement.signer)):
            raise BadSignature("attachment of a revoked station")
        return original(core, transaction, now_ms, statement, *rest)

    return [(notices, "_attachment", attachment)]


def purged_body_taken() -> list[Patch]:
    """A purge erases what is held; a body that comes after it is stored."""
    return [(purge, "spared", lambda transaction, name, event: event)]


def purge_by_event_only() -> list[Patch]:
    """A purge goes where its stream goes, and to nobody else."""
    original = purge.take

    def take(core: Any, transaction: Any, statement: Any, *rest: Any, **more: Any) -> None:
        if core.is_root:
            original(core, transaction, statement, *rest, **more)

    return [(purge, "take", take)]


def settled_forgotten() -> list[Patch]:
    """What came to count or ceased to without a new event is not shown anew."""
    return [(routing, "take_settled", lambda transaction: [])]


def waited_forgotten() -> list[Patch]:
    """A case whose act by rule had to wait is never looked at again."""
    return [(waiting, "take", lambda transaction, station: [])]


def pruned_folded() -> list[Patch]:
    """A case is folded from the bodies that are here, though others were only dropped."""
    return [(missing, "lacking", lambda transaction, events: [])]


def purged_wanted() -> list[Patch]:
    """A body that was purged is asked for like one that was only dropped."""

    def lacking(transaction: Any, events: Any) -> Any:
        return [event.name for event in events if event.event.body is None]

    return [(fetching, "lacking", lacking)]
