"""Events no page would write: forged ones, those of a newer release, one that breaks a fold.

They are recorded and signed by the station's own node: a key in the wrong hands, or other code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any
from unittest.mock import patch

from sync.engine import record
from sync.protocol.envelope import Envelope
from sync.protocol.versions import CARRIED_NEWEST
from tests.simulation.station import BREAKS_FOLD, SimNode
from tests.simulation.world import World

FORGED = "forged"
"""Field of a body by which the auditor, and nobody else, knows a forged event."""
SPOILED = "spoiled"
"""Likewise of one that does not verify."""
NEWER_KIND = "demo_of_next_release"


class NextEnvelope(Envelope):
    """An envelope with a field this release does not know."""

    later: dict[str, Any] = {}


def forge(world: World) -> None:
    """Let a station write into a stream that is none of its business, and invite itself or others.

    Nothing of it may count anywhere unless its author comes by a right of its own.
    """
    found = _stream(world)
    if found is None:
        return
    author = world.rng.choice(list(world.stations))
    if author in world.auditor.may_write(found):
        return
    invited = world.rng.sample(list(world.stations), 2)
    kind = world.rng.choice(["supplement_received", "demo_of_nobody"])
    body = {FORGED: True, "note": "演示", "materials": []}
    _write(world, author, found, kind, sorted({author, *invited}), body)


def write_newer(world: World) -> None:
    """Let a member of a stream write as the next release will: unknown type, unknown fields."""
    found = _stream(world)
    if found is None:
        return
    author = world.rng.choice(sorted(world.auditor.members[found] & world.stations.keys()))
    body = {"at_ms": world.true.now_ms, "later": {"deep": [1, "演示", True]}}
    by = {"Envelope": _next_envelope, "PROTOCOL_VERSION": CARRIED_NEWEST}
    _write(world, author, found, NEWER_KIND, (), body, by)


def _next_envelope(**fields: Any) -> NextEnvelope:
    return NextEnvelope(**fields, later={"of": ["N+1", 1]})


def spoil(world: World) -> None:
    """Let a station record an event that does not verify: its envelope is over another body.

    It is refused above, passed over, and shown at its author as a hole.
    """
    spoil_at(world, world.rng.choice(world.children()))


def spoil_at(world: World, author: str) -> None:
    """Let a certain station record one."""
    by = {"body_hash": lambda salt, body: bytes(32), "check_body": lambda envelope, event: None}
    _write(world, author, None, "demo_spoiled", (), {SPOILED: True}, by)


def break_fold(world: World) -> None:
    """Let a member write what every casework of this release stumbles over."""
    found = _stream(world)
    if found is None or len(world.auditor.broken) > 1:
        return
    author = world.rng.choice(sorted(world.auditor.members[found] & world.stations.keys()))
    _write(world, author, found, BREAKS_FOLD, (), {"at_ms": world.true.now_ms})


def _stream(world: World) -> str | None:
    streams = world.auditor.cases()
    return world.rng.choice(streams) if streams else None


def _write(
    world: World,
    author: str,
    stream: str | None,
    kind: str,
    added: Sequence[str],
    body: Mapping[str, Any],
    by: Mapping[str, Any] | None = None,
) -> None:
    """Record one event at a station; `by` other parts of `record` than this release has."""

    def doing(node: SimNode) -> str:
        other = patch.multiple(record, **by) if by else nullcontext()
        with other, node.database.write() as transaction:
            stored = record.record(
                node.core, transaction, node.clock_ms(),
                stream=stream, kind=kind, actor=record.NODE, added=added, body=body,
            )  # fmt: skip
        node.catch_up()
        return str(stored.name)

    name = world.guarded(author, doing)
    world.look([author])
    world.note(f"{author} writes {kind} in {stream} {name}")
    if name is not None:
        world.count(f"wrote_{FORGED if FORGED in body else kind}")
